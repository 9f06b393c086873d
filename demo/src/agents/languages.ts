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

/** The queue of each ecosystem's scans. */
export type Queues = Readonly<Record<Ecosystem, string>>;

/** The queues of the scans when agents in these languages are there beside the TypeScript one. */
export function queuesOf(queue: string, present: ReadonlySet<Language>): Queues {
  const queueFor = (ecosystem: Ecosystem) => agentQueue(queue, agentFor(ecosystem, present));
  return {
    npm: queueFor("npm"),
    golang: queueFor("golang"),
    cargo: queueFor("cargo"),
    pypi: queueFor("pypi"),
    nuget: queueFor("nuget"),
  };
}

/** The language whose agent reads a queue of the demo. */
export function languageOf(jobQueue: string, queue: string): Language {
  return (
    OTHER_LANGUAGES.find((language) => agentQueue(queue, language) === jobQueue) ?? "typescript"
  );
}
