import type { Admission, Admit } from "../app/flow/admit-jobs.ts";
import { isTerminal, type JobState } from "../domain/job-machine.ts";
import type { ReadyLane } from "../domain/offer.ts";
import { type JobAction, leftAlone } from "../domain/operation.ts";
import { type Aftermath, aftermathOf, mergeLanes } from "./aftermath.ts";
import { discardLetters } from "./dead-letter.sql.ts";
import type { StandingRow } from "./operate.sql.ts";
import {
  cancelInTransaction,
  MAX_ROUNDS,
  retryInTransaction,
  type StopRequest,
  sortedIds,
  standingsOf,
} from "./operate.ts";
import { extendHeld, extendReady, extendWaiting } from "./operate-deadline.sql.ts";
import { relaneReady, relaneWaiting } from "./operate-lane.sql.ts";
import type { OperationResult } from "./operation-steps.ts";
import type { Transaction } from "./transaction.ts";

/** What an action did, and what the rest of the system should know. */
export interface ActionAnswer extends Aftermath {
  /** One per job, in the order of their ids. */
  readonly results: readonly OperationResult[];
  readonly stops: readonly StopRequest[];
  /** Call it once the transaction is over, with whether it was committed. */
  readonly settle?: (committed: boolean) => void;
}

/** What an action is done to, and what the history says about it. */
export interface ActionOrder {
  readonly tenant: string;
  readonly jobIds: readonly string[];
  readonly action: JobAction;
  readonly reason: string;
  /** For a cancellation that does not say. */
  readonly drainGraceMs: number;
  /** For jobs that move; without it every queue has a place. */
  readonly admit?: Admit;
}

/** Does to jobs what an operator asked for, as a part of a larger transaction. */
export async function actInTransaction(tx: Transaction, order: ActionOrder): Promise<ActionAnswer> {
  const { tenant, action, reason, drainGraceMs } = order;
  const jobIds = sortedIds(order.jobIds);
  switch (action.kind) {
    case "cancel": {
      const graceMs = action.graceMs ?? drainGraceMs;
      const answer = await cancelInTransaction(tx, tenant, jobIds, reason, graceMs);
      return { ...answer, results: answer.results.map((one) => resultOf("cancel", one)) };
    }
    case "retry": {
      const answer = await retryInTransaction(tx, tenant, jobIds, reason);
      const results = answer.results.map((one) => resultOf("retry", one));
      return { ...answer, results, stops: [] };
    }
    case "discard": {
      const gone = await tx.run(discardLetters, tenant, jobIds, reason);
      return await settle(tx, order, jobIds, {
        state: new Map(gone.map((row) => [row.job_id, "dead"])),
        lanes: [],
      });
    }
    case "move": {
      const places = new Places(tx, tenant, action.queue, order.admit);
      try {
        const changed = await inRounds(tx, order, jobIds, places);
        const answer = await settle(tx, order, jobIds, changed, places.full);
        const moved = (jobId: string) => changed.state.has(jobId);
        return { ...answer, settle: (committed) => places.settle((id) => committed && moved(id)) };
      } catch (error) {
        places.settle(() => false);
        throw error;
      }
    }
    case "reprioritise":
    case "extend_deadline":
      return await settle(tx, order, jobIds, await inRounds(tx, order, jobIds));
  }
}

const DONE = new Set(["cancelled", "requested", "ready"]);

const resultOf = (
  action: "cancel" | "retry",
  { jobId, kind, state }: { jobId: string; kind: string; state: JobState | undefined },
): OperationResult =>
  DONE.has(kind)
    ? { jobId, outcome: "applied", reason: "", state }
    : { jobId, ...leftAlone(action, state && { state, alike: false }), state };

/** Jobs that were changed, by where they stand, and the lanes that have new work. */
interface Changed {
  readonly state: ReadonlyMap<string, JobState>;
  readonly lanes: readonly ReadyLane[];
}

type Setting = Extract<JobAction, { kind: "reprioritise" | "move" | "extend_deadline" }>;

/** Places in the queue to which jobs move. */
class Places {
  readonly #tx: Transaction;
  readonly #tenant: string;
  readonly #queue: string;
  readonly #admit: Admit | undefined;
  readonly #held: { readonly jobIds: readonly string[]; readonly admission: Admission }[] = [];
  /** Ready jobs that have no place there. */
  readonly full = new Set<string>();

  constructor(tx: Transaction, tenant: string, queue: string, admit: Admit | undefined) {
    this.#tx = tx;
    this.#tenant = tenant;
    this.#queue = queue;
    this.#admit = admit;
  }

  /** Those of the jobs that are ready and have a place. */
  async take(jobIds: string[]): Promise<string[]> {
    if (this.#admit === undefined) return jobIds;
    const standings = await standingsOf(this.#tx, this.#tenant, jobIds);
    const ready = jobIds.filter((id) => {
      const row = standings.get(id);
      return row?.state === "ready" && row.queue !== this.#queue;
    });
    const job = { spec: { queue: this.#queue, notBefore: undefined } };
    const admission = await this.#admit(
      this.#tenant,
      ready.map(() => ({ job, unmet: 0 })),
    );
    if (admission === undefined) return ready;
    this.#held.push({ jobIds: ready, admission });
    for (const position of admission.full.keys()) this.full.add(ready[position] as string);
    return ready.filter((id) => !this.full.has(id));
  }

  /** Says which jobs used their place. */
  settle(isMoved: (jobId: string) => boolean): void {
    for (const { jobIds, admission } of this.#held) {
      admission.settle((position) => isMoved(jobIds[position] as string));
    }
  }
}

/** Sets something about jobs wherever they stand; those on the move are found in the next round. */
async function inRounds(
  tx: Transaction,
  order: ActionOrder,
  jobIds: string[],
  places?: Places,
): Promise<Changed> {
  const { tenant, reason } = order;
  const action = order.action as Setting;
  const changed = new Set<string>();
  const lanes: ReadyLane[] = [];
  let left = jobIds;
  for (let round = 0; round < MAX_ROUNDS && left.length > 0; round++) {
    if (action.kind === "extend_deadline") {
      const deadline = [tenant, left, action.deadlineMs, reason] as const;
      for (const row of await tx.run(extendHeld, ...deadline)) changed.add(row.job_id);
      const ready = await tx.run(extendReady, ...deadline);
      for (const row of ready) changed.add(row.job_id);
      lanes.push(...mergeLanes(ready));
      for (const row of await tx.run(extendWaiting, ...deadline)) changed.add(row.job_id);
    } else {
      const priority = action.kind === "reprioritise" ? action.priority : null;
      const queue = action.kind === "move" ? action.queue : null;
      const lane = [priority, queue, reason] as const;
      const placed = places === undefined ? left : await places.take(left);
      const ready = await tx.run(relaneReady, tenant, placed, ...lane);
      for (const row of ready) changed.add(row.job_id);
      lanes.push(...mergeLanes(ready));
      const waiting = await tx.run(relaneWaiting, tenant, left, ...lane);
      for (const row of waiting) changed.add(row.job_id);
    }
    const standings = await standingsOf(
      tx,
      tenant,
      left.filter((id) => !changed.has(id) && places?.full.has(id) !== true),
    );
    left = [...standings.values()].filter((row) => canStill(action, row)).map((row) => row.job_id);
  }
  const state = new Map(
    [...(await standingsOf(tx, tenant, [...changed]))].map(([id, row]) => [id, row.state]),
  );
  return { state, lanes };
}

/** Whether a job that was not changed is one that can be, so that it must have been on the move. */
const canStill = (action: Setting, row: StandingRow): boolean => {
  if (isTerminal(row.state) || isAlike(action, row)) return false;
  const held = row.state === "offered" || row.state === "running";
  return action.kind === "extend_deadline" || !held;
};

function isAlike(action: JobAction, row: StandingRow): boolean {
  switch (action.kind) {
    case "reprioritise":
      return row.priority === action.priority;
    case "move":
      return row.queue === action.queue;
    case "extend_deadline":
      return row.attempt_deadline_ms === action.deadlineMs;
    default:
      return false;
  }
}

/** Says what became of each job. */
async function settle(
  tx: Transaction,
  { tenant, action }: ActionOrder,
  jobIds: string[],
  changed: Changed,
  full: ReadonlySet<string> = new Set(),
): Promise<ActionAnswer> {
  const others = jobIds.filter((id) => !changed.state.has(id));
  const standings = await standingsOf(tx, tenant, others);
  const results = jobIds.map((jobId): OperationResult => {
    const applied = changed.state.get(jobId);
    if (applied !== undefined) return { jobId, outcome: "applied", reason: "", state: applied };
    const row = standings.get(jobId);
    if (row?.state === "ready" && full.has(jobId)) {
      return { jobId, outcome: "refused", reason: "QUEUE_FULL", state: row.state };
    }
    const standing = row && { state: row.state, alike: isAlike(action, row) };
    return { jobId, ...leftAlone(action.kind, standing), state: row?.state };
  });
  return { results, stops: [], ...aftermathOf([tenant], changed.lanes) };
}
