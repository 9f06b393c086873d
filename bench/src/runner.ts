import type { Lab } from "./lab.ts";
import type { Entry, EntryResult, Sample, Workload, WorkloadResult } from "./workload.ts";

interface Running {
  readonly entry: Entry;
  readonly samples: Sample[];
}

/**
 * Measures a workload: opens every contestant, lets them take turns (A B A B …), and closes them. A
 * contestant that fails is out for the rest and says why; the others go on.
 */
export async function runWorkload(lab: Lab, workload: Workload, stop: AbortSignal) {
  const startedAt = performance.now();
  const failures = new Map<string, string>();
  const running: Running[] = [];
  const stopped = new Promise<never>((_, reject) => {
    stop.addEventListener("abort", () => reject(stop.reason), { once: true });
  });
  stopped.catch(() => undefined);
  const fail = (name: string, error: unknown) => {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    lab.say(`${workload.id} ${name} FAILED: ${why}`);
    failures.set(name, why);
  };
  try {
    const opening = workload.contestants.map(async (contestant) => {
      try {
        running.push({ entry: await contestant.open(), samples: [] });
      } catch (error) {
        if (!stop.aborted) fail(contestant.name, error);
      }
    });
    await Promise.race([Promise.all(opening), stopped]);
    // In the order of the workload, whoever was ready first.
    const order = workload.contestants.map(({ name }) => name);
    running.sort((a, b) => order.indexOf(a.entry.name) - order.indexOf(b.entry.name));
    const rounds = Math.min(lab.options.rounds, workload.rounds ?? Number.POSITIVE_INFINITY);
    // A full run throws its first round away: processes are cold and caches empty.
    for (let round = lab.options.quick ? 1 : 0; round <= rounds; round++) {
      for (const { entry, samples } of running) {
        stop.throwIfAborted();
        if (failures.has(entry.name)) continue;
        try {
          const sample = await Promise.race([entry.measure(), stopped]);
          if (round > 0) samples.push(sample);
          const which = round > 0 ? `${round}/${rounds}` : "warm-up";
          lab.say(`${workload.id} ${which} ${entry.name}: ${brief(workload, sample)}`);
        } catch (error) {
          stop.throwIfAborted();
          fail(entry.name, error);
        }
      }
    }
  } finally {
    for (const { entry } of running) await entry.close().catch((e) => fail(entry.name, e));
  }
  return toResult(workload, running, failures, (performance.now() - startedAt) / 1000);
}

function toResult(
  workload: Workload,
  running: readonly Running[],
  failures: ReadonlyMap<string, string>,
  seconds: number,
): WorkloadResult {
  const { id, title, setting, metrics, bars, leftOut } = workload;
  const entries = workload.contestants.map(({ name, role }): EntryResult => {
    const samples = running.find(({ entry }) => entry.name === name)?.samples ?? [];
    const failure = failures.get(name);
    return { name, role, samples, ...(failure === undefined ? {} : { failure }) };
  });
  return { id, title, setting, metrics, entries, bars, leftOut, seconds };
}

const brief = ({ metrics }: Workload, sample: Sample): string =>
  metrics
    .filter((metric) => metric in sample.metrics)
    .map((metric) => `${formatFigure(sample.metrics[metric] as number)} ${metric}`)
    .join(", ");

/** A figure with as many digits as mean something: 41,250 or 3.42. */
export function formatFigure(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-GB", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
