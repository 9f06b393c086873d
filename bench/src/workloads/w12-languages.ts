import type { Lab } from "../lab.ts";
import { openFleet } from "../ours/fleet.ts";
import { openStage, type Stage } from "../ours/stage.ts";
import type { Program } from "../processes.ts";
import { buildWorker, LANGUAGES } from "../workers.ts";
import type { Contestant, LeftOut, Sample, Workload } from "../workload.ts";
import { fillAndDrain } from "./w03-drain.ts";
import { measureLatency } from "./w05-idle-latency.ts";

const METRICS = ["jobs/s", "p50 ms", "p99 ms"];

interface Sizes {
  readonly drained: number;
  readonly timed: number;
}

/** W12: W3 and W5 with the workers of the other languages. */
export async function languages(lab: Lab): Promise<Workload> {
  const sizes = { drained: lab.size(50_000, 2_000), timed: lab.size(100, 10) };
  const leftOut: LeftOut[] = [];
  const contestants = [worker(lab, "typescript", sizes, undefined)];
  for (const language of LANGUAGES) {
    lab.say(`W12 building the ${language} worker …`);
    const built = await buildWorker(language, lab.options.quick);
    if (built.kind === "missing") leftOut.push({ name: language, why: built.why });
    else contestants.push(worker(lab, language, sizes, built.start));
  }
  return {
    id: "W12",
    title: "the workers of other languages",
    setting:
      `one worker process with ${lab.options.slots} slots; ${sizes.drained} jobs drained as in ` +
      `W3, then ${sizes.timed} timed as in W5`,
    metrics: METRICS,
    contestants,
    bars: contestants.flatMap(({ name }) => METRICS.map((metric) => ({ of: name, metric }))),
    leftOut,
    ...(lab.options.quick ? { rounds: 1 } : {}),
  };
}

function worker(
  lab: Lab,
  language: string,
  sizes: Sizes,
  start: ((name: string) => Program) | undefined,
): Contestant {
  return {
    name: language,
    role: "variant",
    async open() {
      const { slots } = lab.options;
      const programs = start === undefined ? {} : { programs: [start(`worker ${language}`)] };
      const fleet = openFleet({ workers: 1, slots, ...programs });
      const stage = await openStage(lab, { name: `w12_${language}`, fleet });
      return {
        name: language,
        role: "variant",
        measure: () => both(lab, stage, sizes),
        async close() {
          await stage.close();
          await fleet.close();
        },
      };
    },
  };
}

async function both(lab: Lab, stage: Stage, { drained, timed }: Sizes): Promise<Sample> {
  const drain = await fillAndDrain(lab, stage, drained);
  const latency = await measureLatency(lab, stage, timed);
  return { ...drain, metrics: { "jobs/s": drain.metrics["jobs/s"] ?? 0, ...latency.metrics } };
}
