import type { Ecosystem } from "../component.ts";

/** A language that the demo has an agent, a task runner of its own, in. */
export type Language = "typescript" | "go" | "python" | "rust";

/** The languages whose agents need a toolchain that may be missing, in the display's order. */
export const OTHER_LANGUAGES = ["go", "python", "rust"] as const;

/** One of them. */
export type OtherLanguage = (typeof OTHER_LANGUAGES)[number];

/** How people write a language. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  typescript: "TypeScript",
  go: "Go",
  python: "Python",
  rust: "Rust",
};

const OWN_LANGUAGE: Readonly<Record<Ecosystem, Language>> = {
  npm: "typescript",
  golang: "go",
  cargo: "rust",
  pypi: "python",
  nuget: "typescript",
};

/** The agent that scans an ecosystem's manifests: its own language's, else the TypeScript one. */
export function agentFor(ecosystem: Ecosystem, present: ReadonlySet<Language>): Language {
  const own = OWN_LANGUAGE[ecosystem];
  return present.has(own) ? own : "typescript";
}

/** True: an agent in that language would scan the ecosystem's manifests. */
export function scansEcosystem(language: Language, ecosystem: Ecosystem): boolean {
  return OWN_LANGUAGE[ecosystem] === language;
}

/** The queue of an agent within the demo's own: the queue is what routes a job to a language. */
export function agentQueue(queue: string, language: Language): string {
  return language === "typescript" ? queue : `${queue}-${language}`;
}
