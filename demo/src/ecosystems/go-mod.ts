import { ManifestError } from "../manifest-error.ts";

/** A module at a version, as a go.mod names it. */
export interface GoModule {
  /** The module path. */
  readonly path: string;
  /** The version with its "v"; absent in a replacement by a folder. */
  readonly version?: string;
}

/** A line of a `require` directive. */
export interface GoRequire extends GoModule {
  /** True: marked `// indirect`. */
  readonly indirect: boolean;
}

/** A line of a `replace` directive. */
export interface GoReplace {
  /** What is replaced; without a version, every version. */
  readonly from: GoModule;
  /** What takes its place: a module with a version, or a folder without. */
  readonly to: GoModule;
}

/** What a go.mod says, as far as dependencies go. */
export interface GoMod {
  /** The module's own path. */
  readonly module: string;
  /** The `go` directive's version, such as "1.22.1"; absent in old files. */
  readonly go: string | undefined;
  /** The requirements, in the file's order. */
  readonly requires: readonly GoRequire[];
  /** The replacements, in the file's order. */
  readonly replaces: readonly GoReplace[];
}

interface Directive {
  readonly line: number;
  readonly verb: string;
  readonly words: readonly string[];
  readonly comment: string;
}

// Those of go.mod's reference that say nothing about what is depended on.
const OTHER_VERBS = ["exclude", "retract", "toolchain", "godebug", "tool", "ignore"];

/** Parses a go.mod. Throws ManifestError with the line, as `go mod` itself would. */
export function parseGoMod(file: string, content: string): GoMod {
  const requires: GoRequire[] = [];
  const replaces: GoReplace[] = [];
  let module: string | undefined;
  let go: string | undefined;
  for (const directive of directives(file, content)) {
    const { verb, words, line } = directive;
    if (verb === "module") module = one(file, directive);
    else if (verb === "go") go = one(file, directive);
    else if (verb === "require") requires.push(requirement(file, directive));
    else if (verb === "replace") replaces.push(replacement(file, directive));
    else if (!OTHER_VERBS.includes(verb))
      throw new ManifestError(file, line, `unknown directive: ${verb} ${words.join(" ")}`.trim());
  }
  if (module === undefined) throw new ManifestError(file, undefined, "no module directive");
  return { module, go, requires, replaces };
}

function* directives(file: string, content: string): Generator<Directive> {
  let block: { verb: string; line: number } | undefined;
  for (const [index, raw] of content.split("\n").entries()) {
    const line = index + 1;
    const { words, comment } = lex(file, line, raw);
    const [first, ...rest] = words;
    if (first === undefined) continue;
    if (block !== undefined) {
      if (first === ")" && rest.length === 0) block = undefined;
      else yield { line, verb: block.verb, words, comment };
    } else if (rest.length === 1 && rest[0] === "(") block = { verb: first, line };
    else yield { line, verb: first, words: rest, comment };
  }
  if (block !== undefined)
    throw new ManifestError(file, block.line, `the block of ${block.verb} is never closed`);
}

function lex(file: string, line: number, raw: string): { words: string[]; comment: string } {
  const words: string[] = [];
  let rest = raw.trim();
  while (rest !== "" && !rest.startsWith("//")) {
    const token = /^(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`|((?:(?!\/\/)[^\s"`])+))\s*/.exec(rest);
    if (token === null) throw new ManifestError(file, line, `unexpected ${rest.slice(0, 20)}`);
    words.push(token[1] ?? token[2] ?? token[3] ?? "");
    rest = rest.slice(token[0].length);
  }
  return { words, comment: rest };
}

function one(file: string, { verb, words, line }: Directive): string {
  const [word, ...more] = words;
  if (word === undefined || more.length > 0)
    throw new ManifestError(file, line, `usage: ${verb} VALUE`);
  return word;
}

function requirement(file: string, { words, comment, line }: Directive): GoRequire {
  const [path, version, ...more] = words;
  if (path === undefined || version === undefined || more.length > 0)
    throw new ManifestError(file, line, "usage: require MODULE VERSION");
  checkVersion(file, line, version);
  // As golang.org/x/mod/modfile has it: the word alone, or before more.
  return { path, version, indirect: /^\/\/\s*indirect(?:;\s+\S|\s*$)/.test(comment) };
}

function replacement(file: string, { words, line }: Directive): GoReplace {
  const arrow = words.indexOf("=>");
  const [path, version, ...more] = words.slice(0, Math.max(arrow, 0));
  const [toPath, toVersion, ...toMore] = words.slice(arrow + 1);
  if (arrow < 1 || !path || !toPath || more.length > 0 || toMore.length > 0)
    throw new ManifestError(file, line, "usage: replace MODULE [VERSION] => TARGET [VERSION]");
  for (const said of [version, toVersion]) if (said) checkVersion(file, line, said);
  return { from: goModule(path, version), to: goModule(toPath, toVersion) };
}

function goModule(path: string, version: string | undefined): GoModule {
  return version === undefined ? { path } : { path, version };
}

function checkVersion(file: string, line: number, version: string): void {
  // A go.mod that no command has tidied yet may name a branch; it pins nothing.
  if (!/^v\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/.test(version))
    throw new ManifestError(file, line, `${version} is not a version such as v1.2.3`);
}
