import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, newJob, type TestLedger } from "../../../test/support/ledger.ts";
import { MOVES } from "../domain/job-machine.ts";
import { newId } from "../lib/ids.ts";
import { readFlowConfig } from "./flow-settings.ts";
import { announceHeldIn, lookAtLanesIn } from "./stuck.ts";
import { operatorOf } from "./testing/operator.ts";

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;
let ledger: TestLedger;
let operator: ReturnType<typeof operatorOf>;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
  ledger = ledgerOf(pool);
  operator = operatorOf(database.pool(), ledger.tenant);
});

afterAll(() => database.drop());

// Each case begins with an empty hot path, whatever the one before left in it.
beforeEach(async () => {
  await owner.query("truncate ready, lease, scheduled");
});

const future = () => new Date(Date.now() + 60_000);

const due = () => owner.query("update scheduled set run_at = now() - interval '1 s'");

const expire = () =>
  owner.query(`with c as (update control_plane set available_since = now() - interval '1 h',
    last_tick = now()) update lease set expires_at = now() - interval '1 h'`);

/** A run of two jobs, the second of which depends on the first; answers their ids. */
async function chain(
  over: { notBefore?: Date; onFailure?: "cancel" | "hold"; condition?: "success" | "failure" } = {},
) {
  const parent = newJob(ledger.tenant);
  const child = newJob(ledger.tenant, over.notBefore ? { notBefore: over.notBefore } : {});
  const runId = newId();
  await ledger.storeRun({
    tenant: ledger.tenant,
    runId,
    displayName: "",
    project: "",
    correlationId: runId,
    contentDigest: parent.contentDigest,
    jobs: [
      { job: parent, name: "parent", unmet: 0 },
      { job: child, name: "child", unmet: 1 },
    ],
    edges: [
      {
        from: parent.jobId,
        to: child.jobId,
        condition: over.condition ?? "success",
        onFailure: over.onFailure ?? "cancel",
        includeFanOut: false,
      },
    ],
  });
  return { parent: parent.jobId, child: child.jobId };
}

/** How to make each move happen, by "kind from to". */
const SCENES: Readonly<Record<string, () => Promise<unknown>>> = {
  "enqueued - blocked": () => chain(),
  "enqueued - scheduled": () => ledger.enqueue({ notBefore: future() }),
  "enqueued - ready": () => ledger.enqueue(),
  "unblocked blocked scheduled": async () => {
    await chain({ notBefore: future() });
    await ledger.complete(await ledger.claimOne());
  },
  "unblocked blocked ready": async () => {
    await chain();
    await ledger.complete(await ledger.claimOne());
  },
  "due scheduled ready": async () => {
    await ledger.enqueue({ notBefore: future() });
    await due();
    await ledger.promote();
  },
  "offered ready offered": async () => {
    await ledger.enqueue();
    await ledger.offerOne();
  },
  "offer_returned offered ready": async () => {
    await ledger.enqueue();
    await ledger.offerOne();
    await expire();
    await ledger.reap();
  },
  "started offered running": async () => {
    await ledger.enqueue();
    await ledger.accept([await ledger.offerOne()]);
  },
  "started ready running": async () => {
    await ledger.enqueue();
    await ledger.claimOne();
  },
  "released running ready": async () => {
    await ledger.enqueue();
    await ledger.giveBack([await ledger.claimOne()]);
  },
  "succeeded running succeeded": async () => {
    await ledger.enqueue();
    await ledger.complete(await ledger.claimOne());
  },
  "succeeded ready succeeded": async () => {
    await ledger.enqueue();
    const lease = await ledger.claimOne();
    await expire();
    await ledger.reap();
    expect(await ledger.complete(lease)).toEqual({ kind: "applied", state: "succeeded" });
  },
  "failed running failed": async () => {
    await ledger.enqueue();
    await ledger.fail(await ledger.claimOne());
  },
  "retry_scheduled failed scheduled": async () => {
    await ledger.enqueue();
    expect(await ledger.fail(await ledger.claimOne())).toMatchObject({ state: "scheduled" });
  },
  "died failed dead": async () => {
    await ledger.enqueue();
    expect(await ledger.fail(await ledger.claimOne(), "user", true)).toMatchObject({
      state: "dead",
    });
  },
  "interrupted running ready": async () => {
    await ledger.enqueue();
    await ledger.claimOne();
    await expire();
    await ledger.reap();
  },
  "quarantined running dead": async () => {
    await ledger.enqueue();
    for (let lost = 1; lost <= 3; lost++) {
      expect(await ledger.interrupt(await ledger.claimOne())).toMatchObject({ state: "ready" });
    }
    expect(await ledger.interrupt(await ledger.claimOne())).toMatchObject({ state: "dead" });
  },
  "cancelled blocked cancelled": async () => {
    await chain();
    await ledger.fail(await ledger.claimOne(), "user", true);
  },
  "skipped blocked cancelled": async () => {
    await chain({ condition: "failure" });
    await ledger.complete(await ledger.claimOne());
  },
  "cancelled scheduled cancelled": async () => {
    await ledger.cancel([await ledger.enqueue({ notBefore: future() })]);
  },
  "cancelled ready cancelled": async () => {
    await ledger.cancel([await ledger.enqueue()]);
  },
  "cancelled offered cancelled": async () => {
    const jobId = await ledger.enqueue();
    await ledger.offerOne();
    await ledger.cancel([jobId]);
  },
  "cancelled running cancelled": async () => {
    const jobId = await ledger.enqueue();
    const lease = await ledger.claimOne();
    await ledger.cancel([jobId], 1_000);
    await ledger.fail(lease, "cancelled");
  },
  "retried dead ready": async () => {
    const jobId = await ledger.enqueue();
    await ledger.fail(await ledger.claimOne(), "user", true);
    await ledger.retry([jobId]);
  },
  "retried scheduled ready": async () => {
    await ledger.retry([await ledger.enqueue({ notBefore: future() })]);
  },
  "discarded dead dead": async () => {
    const jobId = await ledger.enqueue();
    await ledger.fail(await ledger.claimOne(), "user", true);
    await operator.act({ kind: "discard" }, [jobId]);
  },
  "stuck ready ready": async () => {
    await ledger.enqueue();
    const look = lookAtLanesIn(pool, readFlowConfig(pool), 0);
    await look(ledger.tenant);
    await look(ledger.tenant);
  },
  "stuck blocked blocked": async () => {
    await chain({ onFailure: "hold" });
    await ledger.fail(await ledger.claimOne(), "user", true);
    await announceHeldIn(pool)(ledger.tenant, "00000000-0000-0000-0000-000000000000");
  },
  "updated blocked blocked": async () => {
    await operator.act({ kind: "reprioritise", priority: 3 }, [(await chain()).child]);
  },
  "updated scheduled scheduled": async () => {
    const jobId = await ledger.enqueue({ notBefore: future() });
    await operator.act({ kind: "extend_deadline", deadlineMs: 60_000 }, [jobId]);
  },
  "updated ready ready": async () => {
    await operator.act({ kind: "move", queue: "other" }, [await ledger.enqueue()]);
  },
  "updated offered offered": async () => {
    const jobId = await ledger.enqueue();
    await ledger.offerOne();
    await operator.act({ kind: "extend_deadline", deadlineMs: 60_000 }, [jobId]);
  },
  "updated running running": async () => {
    const jobId = await ledger.enqueue();
    await ledger.claimOne();
    await operator.act({ kind: "extend_deadline", deadlineMs: 60_000 }, [jobId]);
  },
};

const nameOf = (move: { kind: string; from: string | null; to: string }) =>
  `${move.kind} ${move.from ?? "-"} ${move.to}`;

describe("the moves of a job", () => {
  it("has a scene for every move, and no other", () => {
    expect(Object.keys(SCENES).sort()).toEqual(MOVES.map(nameOf).sort());
  });

  it.each(MOVES.map(nameOf))("%s", async (name) => {
    const before = await owner.query("select coalesce(max(id), 0) as id from job_event");
    await SCENES[name]?.();
    const { rows } = await owner.query(
      `select kind, from_state as "from", to_state as "to" from job_event where id > $1`,
      [before.rows[0].id],
    );
    expect(rows.map(nameOf)).toContain(name);
  });

  it("are the ones that the ledger's constraint allows", async () => {
    const { rows } = await owner.query(`select pg_get_constraintdef(oid) as text
      from pg_constraint where conname = 'job_event_legal'`);
    const [, list = ""] = /'\{(.*?)\}'::text\[\]/.exec(rows[0].text) ?? [];
    const allowed = list.split(",").map((move) => {
      const [kind, from, to] = move.replaceAll('"', "").split(":");
      return `${kind} ${from || "-"} ${to}`;
    });
    expect(allowed.sort()).toEqual(MOVES.map(nameOf).sort());
  });

  it("leave every unfinished job with just one token", async () => {
    // Rows that beforeEach swept away belong to jobs of earlier cases.
    const { rows } = await owner.query(`
      select j.id from job j
      where (select count(*) from ready r where r.job_id = j.id)
        + (select count(*) from lease l where l.job_id = j.id)
        + (select count(*) from scheduled s where s.job_id = j.id) > 1
        or (j.base_state in ('dead', 'cancelled', 'blocked') and exists (
          select from ready r where r.job_id = j.id
          union all select from lease l where l.job_id = j.id
          union all select from scheduled s where s.job_id = j.id))`);
    expect(rows).toEqual([]);
  });
});
