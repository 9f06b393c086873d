import type { Measured, SourceFile } from "./source-file.ts";

/** A place that breaks a rule. `id` is stable while lines move, so that it can be excepted. */
export interface Finding {
  /** Rule, file and, where it has one, the name: `function server/src/main.ts stop`. */
  readonly id: string;
  /** What is wrong there, with the line. */
  readonly message: string;
}

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;
const MAX_PUBLIC_METHODS = 15;
const MAX_LINE_CHARACTERS = 100;

const FORBIDDEN_NAMES = new Set(["utils", "util", "common", "helpers", "helper", "types", "misc"]);

// lib <- domain <- app <- adapters <- wiring <- main. A part may import those of a lower rank.
const ADAPTERS = ["ledger", "queue", "blobs", "loops", "rpc", "http"];
const RANKS = new Map<string, number>([
  ["lib", 0],
  ["config", 0],
  ["domain", 1],
  ["app", 2],
  ...ADAPTERS.map((name) => [name, 3] as const),
  ["logging", 3],
  ["banner", 3],
  ["wiring", 4],
  ["main", 5],
]);

// Packages that only some parts of the server may know.
const CONFINED: readonly [pattern: RegExp, parts: readonly string[]][] = [
  [/^pg$/, ["ledger"]],
  [/^(ioredis|@nats-io\/.*|nats)$/, ["queue"]],
  [/^@prometheus-io\/client$/, ["http"]],
  [/^@connectrpc\/|^@bufbuild\//, ["rpc", "http"]],
  [/^server\/src\/gen\//, ["rpc", "http"]],
  [/^commander$/, ["config"]],
];

const IMPURE_MODULES =
  /^node:(fs|net|http|https|http2|child_process|timers|os|dns|worker_threads|process)/;
const IMPURE_MENTIONS =
  /^(Date\.now|Math\.random|performance\.now|crypto\.(randomUUID|getRandomValues)|new Date\(\))$/;

/** Everything in a file that breaks a rule of the house. */
export function findingsIn(file: SourceFile): Finding[] {
  return [
    ...sizes(file),
    ...names(file),
    ...unfinished(file),
    ...docstrings(file),
    ...(file.isTest ? [] : serverRules(file)),
  ];
}

function sizes(file: SourceFile): Finding[] {
  const { path, lines } = file;
  const found: Finding[] = [];
  const length = lines.length - (lines.at(-1) === "" ? 1 : 0);
  if (length > MAX_FILE_LINES) {
    found.push({ id: `file ${path}`, message: `${path}: ${length} lines, at most 400` });
  }
  const long = lines.findIndex((line) => [...line].length > MAX_LINE_CHARACTERS);
  if (long >= 0) {
    found.push({ id: `line ${path}`, message: `${path}:${long + 1}: more than 100 characters` });
  }
  // A suite is one long function by nature.
  const functions = file.isTest ? [] : file.functions;
  found.push(...tooLarge("function", "lines", path, functions, MAX_FUNCTION_LINES));
  found.push(...tooLarge("class", "public methods", path, file.classes, MAX_PUBLIC_METHODS));
  return found;
}

function tooLarge(
  rule: string,
  unit: string,
  path: string,
  measured: readonly Measured[],
  most: number,
): Finding[] {
  return measured
    .filter(({ size }) => size > most)
    .map(({ name, size, line }) => ({
      id: `${rule} ${path} ${name}`,
      message: `${path}:${line}: ${name} has ${size} ${unit}, at most ${most}`,
    }));
}

function names({ path }: SourceFile): Finding[] {
  const parts = path.replace(/(\.test)?\.m?[jt]s$/, "").split("/");
  const bad = parts.find((part) => FORBIDDEN_NAMES.has(part));
  if (bad === undefined) return [];
  return [{ id: `name ${path}`, message: `${path}: "${bad}" says nothing about what is in it` }];
}

// Put together here, so that this file does not find itself.
const UNFINISHED = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X"].join("|")})\\b`);

function unfinished({ path, lines }: SourceFile): Finding[] {
  return lines.flatMap((line, index) =>
    UNFINISHED.test(line)
      ? [{ id: `unfinished ${path}`, message: `${path}:${index + 1}: unfinished by its own word` }]
      : [],
  );
}

function docstrings({ path, undocumented }: SourceFile): Finding[] {
  return undocumented.map(({ name, line }) => ({
    id: `docstring ${path} ${name}`,
    message: `${path}:${line}: ${name} is exported without a docstring`,
  }));
}

function serverRules(file: SourceFile): Finding[] {
  const part = partOf(file.path);
  if (part === undefined) return [];
  const { path, imports, mentions } = file;
  const refused = (target: string, why: string): Finding => ({
    id: `import ${path} ${target}`,
    message: `${path} imports ${target}: ${why}`,
  });
  const found = imports.flatMap((target) => {
    const confined = CONFINED.find(([pattern]) => pattern.test(target));
    if (confined !== undefined && !confined[1].includes(part)) {
      return [refused(target, `only ${confined[1].join(" and ")} may`)];
    }
    const other = partOf(target);
    if (other === undefined || other === part) return [];
    if ((RANKS.get(other) ?? 0) < (RANKS.get(part) ?? 0)) return [];
    return [refused(target, `${part} may not know ${other}`)];
  });
  for (const { text, line } of mentions) {
    if (part !== "main" && /^process\.(env|argv)\b/.test(text)) {
      const message = `${path}:${line}: only main.ts reads ${text}`;
      found.push({ id: `environment ${path}`, message });
    }
    if (part === "domain" && IMPURE_MENTIONS.test(text)) {
      found.push({ id: `pure ${path} ${text}`, message: `${path}:${line}: ${text} in the domain` });
    }
  }
  if (part === "domain") {
    const impure = imports.filter((target) => IMPURE_MODULES.test(target));
    found.push(...impure.map((target) => refused(target, "the domain does no I/O")));
  }
  return found;
}

/** Which part of the server a file belongs to: its folder, or its name if it has none. */
function partOf(path: string): string | undefined {
  const part = /^server\/src\/([^/]+?)(\.ts)?(\/|$)/.exec(path)?.[1];
  return part === "gen" ? undefined : part;
}

/** Files of the server whose place in the order of imports nobody has decided. */
export function unplaced(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !file.isTest)
    .filter(({ path }) => {
      const part = partOf(path);
      return part !== undefined && !RANKS.has(part);
    })
    .map(({ path }) => path);
}
