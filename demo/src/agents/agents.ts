import type { Manifest } from "../discovery.ts";
import type { ProgressDisplay } from "../display/progress.ts";
import { plural } from "../display/text.ts";
import { type AgentProgram, BuildFailedError, type BuildScene, buildAgent } from "./build.ts";
import {
  LANGUAGE_NAMES,
  type Language,
  OTHER_LANGUAGES,
  type OtherLanguage,
  scansEcosystem,
} from "./languages.ts";
import { ToolchainMissingError, toolchain } from "./toolchains.ts";

/** A language without an agent in this demo. */
export interface LeftOut {
  /** The language. */
  readonly language: OtherLanguage;
  /** Why, for people. */
  readonly reason: string;
}

/** The agents beside the TypeScript one, which is always there. */
export interface Agents {
  /** How to run those that are there. */
  readonly programs: ReadonlyMap<OtherLanguage, AgentProgram>;
  /** The others. */
  readonly leftOut: readonly LeftOut[];
}

/** No agents but the TypeScript one. */
export const TYPESCRIPT_ALONE: Agents = { programs: new Map(), leftOut: [] };

/**
 * Builds the agents that have something to scan. One whose toolchain is missing, or that cannot
 * be built, is left out; the TypeScript agent scans its manifests. Throws the signal's reason.
 */
export async function prepareAgents(
  manifests: readonly Manifest[],
  scene: BuildScene & { readonly display: ProgressDisplay },
): Promise<Agents> {
  const programs = new Map<OtherLanguage, AgentProgram>();
  const leftOut: LeftOut[] = [];
  for (const language of OTHER_LANGUAGES) {
    const isNeeded = manifests.some(({ ecosystem }) => scansEcosystem(language, ecosystem));
    if (!isNeeded) {
      leftOut.push({ language, reason: "there is nothing for it to scan" });
      continue;
    }
    try {
      const tool = await toolchain(language, scene.env);
      scene.display.say(`building the ${nameOf(language)} agent; the first time takes minutes`);
      programs.set(language, await buildAgent(language, tool, scene));
    } catch (error) {
      const isExpected =
        error instanceof ToolchainMissingError || error instanceof BuildFailedError;
      if (!isExpected) throw error;
      leftOut.push({ language, reason: `${error.message}; TypeScript scans its manifests` });
    }
  }
  scene.display.tell(introduction({ programs, leftOut }));
  return { programs, leftOut };
}

/** Who is there and who is not, in a sentence. */
export function introduction({ programs, leftOut }: Agents): string {
  const present = [LANGUAGE_NAMES.typescript, ...[...programs.keys()].map(nameOf)].join(", ");
  const absent = leftOut.map(({ language, reason }) => `${nameOf(language)} (${reason})`);
  return `agents: ${present}${absent.length === 0 ? "" : `; left out: ${absent.join(", ")}`}`;
}

/** Which agent each job went to, and what became of the languages. */
export interface Shares {
  /** The agent of each job, by the job's name. */
  readonly byJob: ReadonlyMap<string, Language>;
  /** The agents that ran, with the number of jobs that each got. */
  readonly agents: readonly { readonly language: Language; readonly jobs: number }[];
  /** The languages without an agent. */
  readonly leftOut: readonly LeftOut[];
}

/** Counts who got what. */
export function shares(
  byJob: ReadonlyMap<string, Language>,
  { programs, leftOut }: Agents,
): Shares {
  const languages: Language[] = ["typescript", ...programs.keys()];
  const assigned = [...byJob.values()];
  const agents = languages.map((language) => ({
    language,
    jobs: assigned.filter((one) => one === language).length,
  }));
  return { byJob, agents, leftOut };
}

/** The lines of the report about agents. */
export function sharesText({ agents, leftOut }: Shares): string[] {
  const ran = agents.map(({ language, jobs }) => `${nameOf(language)} ${plural(jobs, "job")}`);
  const absent = leftOut.map(
    ({ language, reason }) => `  left out: ${nameOf(language)}: ${reason}`,
  );
  return [`  agents: ${ran.join(", ")}`, ...absent];
}

function nameOf(language: Language): string {
  return LANGUAGE_NAMES[language];
}
