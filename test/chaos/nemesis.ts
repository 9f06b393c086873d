import { setTimeout as pass } from "node:timers/promises";
import type { FaultRecord } from "./history.ts";
import type { ChaosPostgres } from "./postgres.ts";
import type { ReadyService } from "./ready-service.ts";
import type { Replicas } from "./replicas.ts";
import { FAULTS, type FaultKind, type PlannedFault, stopsControlPlane } from "./schedule.ts";
import type { Workers } from "./workers.ts";

/** What there is to break. */
export interface Stage {
  readonly postgres: ChaosPostgres;
  readonly replicas: Replicas;
  readonly workers: Workers;
  /** Valkey or NATS; undefined when the ready queue is in Postgres. */
  readonly service: ReadyService | undefined;
}

/** Does it; resolves when it is over. Answers what it was done to. */
type Deed = (stage: Stage, fault: PlannedFault) => Promise<string>;

const COMMIT_PATIENCE_MS = 2_000;
const COMMIT_LOOK_MS = 20;
const SLOW_COMMIT_MS = 500;
const SLOW_PULSES = 6;
const MAX_DELAY_MS = 400;
const LONGEST_DOWN_MS = 2_000;

/** Every session but the run's own. */
const TERMINATE = `
select pg_terminate_backend(pid) from pg_stat_activity
where backend_type = 'client backend' and application_name <> 'chaos' and random() < $1`;

const DEEDS: Readonly<Record<FaultKind, Deed>> = {
  "pg-crash": async ({ postgres, replicas }, { durationMs }) => {
    await postgres.crash();
    return await outage(replicas, durationMs);
  },
  "pg-outage": ({ replicas }, { durationMs }) => outage(replicas, durationMs),
  "pg-pause": async ({ postgres }, { durationMs }) => {
    const wake = await postgres.pause();
    await pass(durationMs);
    await wake();
    return "postgres";
  },
  "pg-backends": async ({ postgres }, { draw }) => {
    await postgres.query(TERMINATE, [draw < 0.5 ? 1 : 0.5]);
    return "sessions";
  },
  "pg-exhaust": async ({ postgres, replicas }, { durationMs }) => {
    const giveBack = await postgres.exhaust();
    // With the connections that they have, servers would not notice.
    for (const link of replicas.links) link.cut();
    await pass(durationMs);
    await giveBack();
    return "connections";
  },
  "pg-slow-commit": async ({ postgres }) => {
    await slowCommits(postgres);
    return "commits";
  },
  "commit-cut": async ({ replicas }, { target, draw }) => {
    const link = replicas.linkOf(target);
    const before = link.commitsCut;
    link.cutNextCommit(draw < 0.5 ? "before" : "after");
    const deadline = performance.now() + COMMIT_PATIENCE_MS;
    while (link.commitsCut === before && performance.now() < deadline) await pass(COMMIT_LOOK_MS);
    link.cutNextCommit(undefined);
    return replicas.nameOf(target);
  },
  "server-kill": async ({ replicas }, { target, durationMs }) => {
    await replicas.kill(target, Math.min(durationMs, LONGEST_DOWN_MS));
    return replicas.nameOf(target);
  },
  "server-pause": async ({ replicas }, { target, durationMs }) => {
    await replicas.pause(target, durationMs);
    return replicas.nameOf(target);
  },
  "server-restart": async ({ replicas }, { target }) => {
    await replicas.restart(target);
    return replicas.nameOf(target);
  },
  "server-partition": async ({ replicas }, { target, durationMs, draw }) => {
    const link = replicas.linkOf(target);
    link.silence(...(draw < 0.5 ? (["up", "down"] as const) : (["down"] as const)));
    await pass(durationMs);
    link.silence();
    return replicas.nameOf(target);
  },
  "worker-kill": async ({ workers }, { target }) => {
    const name = workers.nameOf(target);
    workers.kill(target);
    return name;
  },
  "worker-pause": async ({ workers }, { target, durationMs }) => {
    const name = workers.nameOf(target);
    await workers.pause(target, durationMs);
    return name;
  },
  "net-delay": async ({ workers }, { target, durationMs, draw }) => {
    workers.linkOf(target).delay(Math.ceil(draw * MAX_DELAY_MS));
    await pass(durationMs);
    workers.linkOf(target).delay(0);
    return workers.nameOf(target);
  },
  "net-partition": async ({ workers }, { target, durationMs, draw }) => {
    const ways = draw < 0.34 ? ["up"] : draw < 0.67 ? ["down"] : ["up", "down"];
    workers.linkOf(target).silence(...(ways as ("up" | "down")[]));
    await pass(durationMs);
    workers.linkOf(target).silence();
    return workers.nameOf(target);
  },
  "net-cut": async ({ workers }, { target }) => {
    workers.linkOf(target).cut();
    return workers.nameOf(target);
  },
  "queue-kill": ({ service }, { durationMs }) => onService(service, "kill", durationMs),
  "queue-empty": ({ service }, { durationMs }) => onService(service, "empty", durationMs),
  "queue-flush": ({ service }, { durationMs }) => onService(service, "flush", durationMs),
  "queue-pause": ({ service }, { durationMs }) => onService(service, "pause", durationMs),
};

/** Nobody gets through to Postgres for a while. */
async function outage(replicas: Replicas, durationMs: number): Promise<string> {
  for (const link of replicas.links) link.break();
  await pass(durationMs);
  for (const link of replicas.links) link.mend();
  return "postgres";
}

/**
 * Commits wait up to half a second after their flush, again and again: for a standby that does
 * not exist. It is the nearest thing to a slow fsync that needs no kernel's help; a commit that
 * is waiting is durable already, as one whose answer is slow.
 */
async function slowCommits(postgres: ChaosPostgres): Promise<void> {
  for (let pulse = 0; pulse < SLOW_PULSES; pulse++) {
    await postgres.query("alter system set synchronous_standby_names = 'nobody'");
    await postgres.query("select pg_reload_conf()");
    await pass(SLOW_COMMIT_MS);
    await quickCommits(postgres);
  }
}

/** Ends {@link slowCommits}, also when it was cut short. */
export async function quickCommits(postgres: ChaosPostgres): Promise<void> {
  await postgres.insist("alter system reset synchronous_standby_names");
  await postgres.insist("select pg_reload_conf()");
}

async function onService(
  service: ReadyService | undefined,
  deed: "kill" | "empty" | "flush" | "pause",
  durationMs: number,
): Promise<string> {
  if (service === undefined) throw new Error("there is no service to break");
  await service[deed](durationMs);
  return service.name;
}

/** Breaks things by a plan, and writes down what it did. */
export class Nemesis {
  readonly faults: FaultRecord[] = [];
  readonly #stage: Stage;
  readonly #busy = new Map<string, Promise<void>>();
  readonly #active = new Map<FaultKind, number>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** What is broken right now. */
  get active(): FaultKind[] {
    return [...this.#active.keys()];
  }

  /** Resolves when the plan is through and everything is mended. */
  async run(plan: readonly PlannedFault[], signal: AbortSignal): Promise<void> {
    const startedMs = performance.now();
    for (const fault of plan) {
      const earlyMs = fault.atMs - (performance.now() - startedMs);
      if (earlyMs > 0) await pass(earlyMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) break;
      const group = FAULTS[fault.kind];
      const before = this.#busy.get(group) ?? Promise.resolve();
      this.#busy.set(
        group,
        before.then(() => this.#do(fault)),
      );
    }
    await Promise.all(this.#busy.values());
    await quickCommits(this.#stage.postgres);
  }

  async #do(fault: PlannedFault): Promise<void> {
    const { kind } = fault;
    const fromMs = Date.now();
    this.#active.set(kind, fromMs);
    let target: string;
    try {
      target = await DEEDS[kind](this.#stage, fault);
    } catch (error) {
      // Postgres may be away just when a fault needs to ask it.
      target = `came to nothing: ${error instanceof Error ? error.message : error}`;
    }
    this.#active.delete(kind);
    const toMs = Date.now();
    this.faults.push({ kind, target, fromMs, toMs, stopsControlPlane: stopsControlPlane(kind) });
  }
}
