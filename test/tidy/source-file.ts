import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync, Visitor } from "oxc-parser";

/** The root of the repository. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const SOURCE_FOLDERS = ["server/src", "sdk-ts", "demo/src", "bench", "test", "scripts"];
const SKIPPED_FOLDERS = new Set([
  "gen",
  "dist",
  "node_modules",
  "fixtures",
  ".orchestrator",
  ".data",
]);

/** Something in a file that has a name and a size. */
export interface Measured {
  readonly name: string;
  readonly size: number;
  readonly line: number;
}

/** What the rules need to know of a source file. */
export interface SourceFile {
  /** From the root, with slashes. */
  readonly path: string;
  readonly lines: readonly string[];
  /** A test or something that only tests use. */
  readonly isTest: boolean;
  /** What it imports: package names as they are, files as paths from the root. */
  readonly imports: readonly string[];
  /** Functions with their lines. */
  readonly functions: readonly Measured[];
  /** Classes with their public methods. */
  readonly classes: readonly Measured[];
  /** Exported names without a docstring. */
  readonly undocumented: readonly Measured[];
  /** Member expressions and calls such as `process.env`, `Date.now`, `new Date()`. */
  readonly mentions: readonly { readonly text: string; readonly line: number }[];
}

/** Reads every source file of the repository, generated ones and fixtures left out. */
export function readSources(): SourceFile[] {
  return SOURCE_FOLDERS.flatMap((folder) => [...walk(join(ROOT, folder))]).map(readSource);
}

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!SKIPPED_FOLDERS.has(entry.name)) yield* walk(path);
    } else if (/\.m?ts$|\.mjs$/.test(entry.name)) {
      yield path;
    }
  }
}

function readSource(file: string): SourceFile {
  const path = relative(ROOT, file).split(sep).join("/");
  const text = readFileSync(file, "utf8");
  return parseSource(path, text);
}

/** Parses one file's text. Throws when it is not TypeScript. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, module, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const lineAt = lineFinder(text);
  const linesOf = (node: Span) => lineAt(node.end) - lineAt(node.start) + 1;
  const functions: Measured[] = [];
  const classes: Measured[] = [];
  const mentions: { text: string; line: number }[] = [];
  const measure = (node: Span & { id?: { name: string } | null }) => {
    const line = lineAt(node.start);
    functions.push({ name: node.id?.name ?? `line ${line}`, size: linesOf(node), line });
  };
  const mention = (node: Span) =>
    mentions.push({ text: text.slice(node.start, node.end), line: lineAt(node.start) });

  new Visitor({
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
    ClassDeclaration: (node) => classes.push(measureClass(node, lineAt(node.start))),
    MemberExpression: (node) => void (node.object.type === "Identifier" && mention(node)),
    NewExpression: mention,
  }).visit(program);

  const docEnds = new Set(
    comments
      .filter((comment) => comment.type === "Block" && comment.value.startsWith("*"))
      .map((comment) => comment.end + (/^\s*/.exec(text.slice(comment.end))?.[0].length ?? 0)),
  );
  const undocumented = program.body.flatMap((node) => {
    if (node.type !== "ExportNamedDeclaration" || node.declaration == null) return [];
    if (docEnds.has(node.start)) return [];
    return [{ name: nameOf(node.declaration), size: 1, line: lineAt(node.start) }];
  });
  const specifiers = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
  ];
  return {
    path,
    lines: text.split("\n"),
    isTest: /\.test\.ts$|(^|\/)(test|testing)\//.test(path),
    imports: specifiers.map((specifier) => resolve(path, specifier)),
    functions,
    classes,
    undocumented: distinct(undocumented),
    mentions,
  };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

type ClassNode = Parameters<
  NonNullable<ConstructorParameters<typeof Visitor>[0]["ClassDeclaration"]>
>[0];

function measureClass(node: ClassNode, line: number): Measured {
  const publicMethods = node.body.body.filter(
    (member) =>
      member.type === "MethodDefinition" &&
      member.kind !== "constructor" &&
      member.key.type !== "PrivateIdentifier" &&
      member.accessibility !== "private",
  );
  return { name: node.id?.name ?? "class", size: publicMethods.length, line };
}

function nameOf(declaration: object): string {
  if ("id" in declaration) return (declaration.id as { name?: string } | null)?.name ?? "?";
  if (!("declarations" in declaration)) return "?";
  const [first] = declaration.declarations as { id: { name?: string } }[];
  return first?.id.name ?? "?";
}

/** Overloads share the docstring of the first. */
function distinct(found: Measured[]): Measured[] {
  return found.filter(({ name }, index) => found[index - 1]?.name !== name);
}

function resolve(path: string, specifier: string): string {
  return specifier.startsWith(".")
    ? posix.normalize(posix.join(posix.dirname(path), specifier))
    : specifier;
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
