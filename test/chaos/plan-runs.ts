import { JobMaker, type PlannedDependency, type PlannedStep } from "./planned-jobs.ts";
import type { Seeded } from "./seeded.ts";

/** What is done to runs that grow, and to runs that are there. */
export type RunOperation =
  | {
      readonly kind: "live run";
      /** Names the run. */
      readonly run: string;
      readonly steps: readonly PlannedStep[];
      /** Appended one after the other; the last one closes the run. None: it is never open. */
      readonly batches: readonly (readonly PlannedStep[])[];
      /** Before each batch. */
      readonly pauseMs: number;
    }
  | { readonly kind: "cancel run"; readonly run: string }
  | {
      readonly kind: "replay run";
      readonly run: string;
      readonly jobNames: readonly string[];
      readonly includeDownstream: boolean;
      readonly rerunUpstream: boolean;
    };

const REMEMBERED = 20;
/** So many runs are left alone before one is replayed: only those that have ended can be. */
const STILL_GOING = 4;

/** Invents runs of one tenant that are open at first, and what is done to runs later. */
export class RunDraft {
  readonly #random: Seeded;
  readonly #jobs: JobMaker;
  readonly #runs: { readonly run: string; readonly names: readonly string[] }[] = [];

  constructor(random: Seeded, tenant: string) {
    this.#random = random;
    this.#jobs = new JobMaker(`${tenant}/r`);
  }

  next(): RunOperation {
    const draw = this.#random.next();
    if (draw < 0.12) return this.#cancel() ?? this.#live();
    return (draw < 0.5 ? this.#replay() : undefined) ?? this.#live();
  }

  #cancel(): RunOperation | undefined {
    const newest = this.#runs.at(-1);
    return newest && { kind: "cancel run", run: newest.run };
  }

  #replay(): RunOperation | undefined {
    const ended = this.#runs.slice(0, -STILL_GOING);
    if (ended.length === 0) return undefined;
    const { run, names } = this.#random.pick(ended);
    const isNamed = this.#random.chance(0.5);
    return {
      kind: "replay run",
      run,
      jobNames: isNamed ? [this.#random.pick(names)] : [],
      includeDownstream: this.#random.chance(0.6),
      rerunUpstream: this.#random.chance(0.3),
    };
  }

  /** Some jobs, of which one fans out; a join that waits for it; batches that hang on to both. */
  #live(): RunOperation {
    const first = Array.from({ length: this.#random.between(1, 3) }, (_, place) =>
      this.#step(`first-${place}`, []),
    );
    const names = first.map(({ name }) => name);
    const fan = this.#fan(names);
    const join = this.#step("join", [this.#joins(fan.name)]);
    const steps = [...first, fan, join];
    const known = steps.map(({ name }) => name);
    const batches = Array.from({ length: this.#random.between(0, 3) }, (_, batch) => {
      const added = Array.from({ length: this.#random.between(1, 4) }, (_, place) =>
        this.#step(`late-${batch}-${place}`, known),
      );
      known.push(...added.map(({ name }) => name));
      return added;
    });
    const run = this.#jobs.nonce();
    this.#runs.push({ run, names: known });
    if (this.#runs.length > REMEMBERED) this.#runs.shift();
    const pauseMs = this.#random.between(0, 1_500);
    return { kind: "live run", run, steps, batches, pauseMs };
  }

  #joins(name: string): PlannedDependency {
    const edge = this.#edge(name);
    // A failure of what fans out would leave the join with nothing to say about the rest.
    return edge.when === "failure"
      ? { name, includeFanOut: true }
      : { ...edge, includeFanOut: true };
  }

  #fan(parents: readonly string[]): PlannedStep {
    const fails = this.#random.chance(0.3) ? 1 : 0;
    const job = this.#jobs.job("chaos.fan", { workMs: 50, failures: fails });
    const children = Array.from({ length: this.#random.between(1, 6) }, (_, place) => {
      const before = place > 0 && this.#random.chance(0.3) ? [`fanned-${place - 1}`] : [];
      const child = this.#step(`fanned-${place}`, before);
      return { ...child, nonce: `${job.nonce}+${place}` };
    });
    const dependsOn = parents.slice(0, 1).map((name) => ({ name, when: "completion" }) as const);
    return { ...job, name: "fan", dependsOn, fanOut: children };
  }

  /** Depends on some of those that there are. */
  #step(name: string, known: readonly (string | PlannedDependency)[]): PlannedStep {
    const draw = this.#random.next();
    const job =
      draw < 0.12
        ? this.#jobs.job("chaos.hopeless")
        : draw < 0.22
          ? this.#jobs.job("chaos.flaky", { failures: this.#random.between(1, 3) })
          : this.#jobs.job("chaos.work", { workMs: this.#random.between(0, 400) });
    const dependsOn = known
      .filter((one) => typeof one !== "string" || this.#random.chance(0.4))
      .map((one) => (typeof one === "string" ? this.#edge(one) : one));
    return { ...job, name, dependsOn };
  }

  #edge(name: string): PlannedDependency {
    const draw = this.#random.next();
    if (draw < 0.2) return { name, when: "completion" };
    if (draw < 0.3) return { name, when: "failure" };
    if (draw < 0.35) return { name, onFailure: "hold" };
    if (draw < 0.65) return { name, onFailure: "continue" };
    return { name };
  }
}
