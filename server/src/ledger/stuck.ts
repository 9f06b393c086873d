import type { Pool } from "pg";
import type { JobWait, StuckView } from "../app/jobs/explain-job.ts";
import type { AnnouncedLane } from "../app/stuck/stuck-work.ts";
import type { FlowConfig } from "../domain/flow/settings.ts";
import type { Lane } from "../domain/offer.ts";
import {
  compareStuck,
  HELD_ADVICE,
  judgeLane,
  laneSubject,
  type StuckCause,
  type StuckFinding,
} from "../domain/stuck.ts";
import { servedKinds } from "./capability.sql.ts";
import { discoverLanes } from "./claim.sql.ts";
import { toLane } from "./lane.sql.ts";
import {
  announceHeld,
  announceLanes,
  countStuck,
  forgetHeld,
  forgetLaneNotes,
  knownTenants,
  laneNotes,
  noteStuckLanes,
  readStuck,
  takeStuckTurn,
} from "./stuck.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** All tenants that the ledger has something of. */
export const findKnownTenants = (loopsPool: Pool) => (): Promise<string[]> =>
  inTransaction(loopsPool, [], async (tx) =>
    (await tx.run(knownTenants)).map(({ tenant }) => tenant),
  );

/** Lanes of one look, notes that it writes, and lanes of one read. */
const MAX_LANES = 10_000;
const MAX_CHANGES = 1_000;
const LANES_A_READ = 1_000;

/**
 * Looks which lanes of a tenant wait in vain, notes what is new and announces what has been so for
 * `afterMs`. Nothing if another replica is at it.
 */
export const lookAtLanesIn =
  (pool: Pool, readConfig: (tenant: string) => Promise<FlowConfig>, afterMs: number) =>
  async (tenant: string): Promise<AnnouncedLane[]> => {
    const config = await readConfig(tenant);
    return inTransaction(pool, [tenant], async (tx) => {
      const [turn] = await tx.run(takeStuckTurn, tenant);
      if (turn?.mine !== true) return [];
      const kinds = await tx.run(servedKinds, tenant);
      const served = new Set(kinds.map((kind) => `${kind.queue}\0${kind.job_type}`));
      const lanes = await readLanes(tx, tenant);
      const bySubject = new Map(lanes.map((lane) => [laneSubject(lane), lane]));
      const found = lanes.flatMap((lane) =>
        judgeLane(lane, config, served.has(`${lane.queue}\0${lane.jobType}`)),
      );
      const notes = await tx.run(laneNotes, tenant);
      const changes = compareStuck(
        found,
        notes.map((row) => ({ ...row, ageMs: row.age_ms })),
        afterMs,
      );
      const gone = changes.gone.slice(0, MAX_CHANGES);
      if (gone.length > 0) await tx.run(forgetLaneNotes, tenant, gone);
      await noteLanes(tx, tenant, changes.begun.slice(0, MAX_CHANGES));
      const due = changes.due.slice(0, MAX_CHANGES);
      return announce(
        tx,
        tenant,
        due.map((finding) => ({ finding, lane: bySubject.get(finding.subject) as Lane })),
      );
    });
  };

async function readLanes(tx: Transaction, tenant: string): Promise<Lane[]> {
  const lanes: Lane[] = [];
  while (lanes.length < MAX_LANES) {
    const after = lanes.at(-1);
    const rows = await tx.run(
      discoverLanes,
      tenant,
      LANES_A_READ,
      after?.queue ?? "",
      after?.jobType ?? "",
      after?.priority ?? 0,
      after?.source ?? "",
      after?.concurrencyKey ?? "",
    );
    lanes.push(...rows.map((row) => toLane(tenant, row)));
    if (rows.length < LANES_A_READ) break;
  }
  return lanes;
}

async function noteLanes(tx: Transaction, tenant: string, begun: readonly StuckFinding[]) {
  if (begun.length === 0) return;
  await tx.run(
    noteStuckLanes,
    tenant,
    begun.map(({ subject }) => subject),
    begun.map(({ cause }) => cause),
    begun.map(({ advice }) => advice),
  );
}

async function announce(
  tx: Transaction,
  tenant: string,
  due: readonly { readonly finding: StuckFinding; readonly lane: Lane }[],
): Promise<AnnouncedLane[]> {
  if (due.length === 0) return [];
  await tx.run(
    announceLanes,
    tenant,
    due.map(({ finding }) => finding.subject),
    due.map(({ finding }) => finding.advice),
    due.map(({ lane }) => lane.queue),
    due.map(({ lane }) => lane.jobType),
    due.map(({ lane }) => lane.priority),
    due.map(({ lane }) => lane.source),
    due.map(({ lane }) => lane.concurrencyKey),
  );
  return due.map(({ lane, finding }) => {
    const { queue, jobType, source } = lane;
    return { queue, jobType, source, cause: finding.cause, advice: finding.advice };
  });
}

/** How far a look at blocked jobs came; undefined: another replica is at it. */
export type BlockedLook =
  | { readonly announced: readonly string[]; readonly next: string | undefined }
  | undefined;

const PAGE = 1_000;

/** Announces up to 1,000 blocked jobs after one that are held by a job that ended. */
export const announceHeldIn =
  (pool: Pool) =>
  (tenant: string, afterJob: string): Promise<BlockedLook> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [turn] = await tx.run(takeStuckTurn, tenant);
      if (turn?.mine !== true) return undefined;
      const [page] = await tx.run(announceHeld, tenant, afterJob, HELD_ADVICE);
      const full = page?.seen === PAGE;
      return {
        announced: page?.announced ?? [],
        next: full ? (page.last ?? undefined) : undefined,
      };
    });

/** Forgets up to 1,000 notes after one about jobs that are not held any more. */
export const forgetHeldIn =
  (pool: Pool) =>
  (tenant: string, after: string): Promise<string | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [page] = await tx.run(forgetHeld, tenant, after);
      return page?.seen === PAGE ? (page.last ?? undefined) : undefined;
    });

/** How much was announced of a tenant, by its causes. */
export const countStuckIn =
  (pool: Pool) =>
  (tenant: string): Promise<{ readonly cause: StuckCause; readonly count: number }[]> =>
    inTransaction(pool, [tenant], (tx) => tx.run(countStuck, tenant));

/** What was announced about a job that waits, if anything was. */
export const readStuckIn =
  (pool: Pool) =>
  (jobId: string, { state, lane }: JobWait): Promise<StuckView | undefined> =>
    inTransaction(pool, [lane.tenant], async (tx) => {
      const [row] =
        state === "ready"
          ? await tx.run(readStuck, lane.tenant, "lane", laneSubject(lane))
          : await tx.run(readStuck, lane.tenant, "job", jobId);
      return row && { cause: row.cause, since: row.since, advice: row.advice };
    });
