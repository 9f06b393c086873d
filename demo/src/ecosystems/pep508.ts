/** One requirement as PEP 508 writes it. */
export interface Requirement {
  /** The project's name as written. */
  readonly name: string;
  /** Its extras as written. */
  readonly extras: readonly string[];
  /** The version specifiers as written without spaces, such as ">=1.0,<2"; empty if none. */
  readonly specifier: string;
  /** The URL of a direct reference (`name @ URL`). */
  readonly url: string | undefined;
  /** The environment marker as written; undefined if none. */
  readonly marker: string | undefined;
}

const NAME = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*/;
const EXTRAS = /^\[\s*([A-Za-z0-9._-]+(?:\s*,\s*[A-Za-z0-9._-]+)*)?\s*\]\s*/;
const CLAUSE = String.raw`(?:~=|===?|!=|<=?|>=?)\s*[A-Za-z0-9.*+!_-]+`;
const CLAUSES = String.raw`(${CLAUSE}(?:\s*,\s*${CLAUSE})*)\s*,?\s*`;
const SPECIFIER = new RegExp(String.raw`^(?:\(\s*${CLAUSES}\)\s*|${CLAUSES})`);
const URL_REFERENCE = /^@\s*(\S+)\s*/;

/** Parses a requirement; a text says what is wrong with it. */
export function parseRequirement(source: string): Requirement | string {
  let rest = source.trim();
  const take = (pattern: RegExp): string | undefined => {
    const match = pattern.exec(rest);
    if (match === null) return undefined;
    rest = rest.slice(match[0].length);
    return match[1] ?? match[2] ?? "";
  };
  const name = take(NAME);
  if (name === undefined) return `expected a project's name at ${quote(rest)}`;
  const extras = (take(EXTRAS) ?? "").split(",").map((extra) => extra.trim());
  const url = take(URL_REFERENCE);
  const specifier = url === undefined ? (take(SPECIFIER) ?? "") : "";
  const marker = rest.startsWith(";") ? rest.slice(1).trim() : undefined;
  if (marker === undefined && rest !== "") return `unexpected ${quote(rest)} after ${name}`;
  if (marker === "") return `an empty marker after ${name}`;
  return {
    name,
    extras: extras.filter((extra) => extra !== ""),
    specifier: specifier.replace(/\s+/g, ""),
    url,
    marker,
  };
}

/** The version that a specifier pins; undefined for ranges and wildcards. */
export function pinnedVersion(specifier: string): string | undefined {
  return /^===?([^,*]+)$/.exec(specifier)?.[1];
}

function quote(rest: string): string {
  return JSON.stringify(rest.length > 40 ? `${rest.slice(0, 40)}…` : rest);
}
