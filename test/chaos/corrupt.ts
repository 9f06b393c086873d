import type { Query } from "./ledger-history.ts";
import type { Corruption } from "./options.ts";

// One finished job, the same at each run of the statement.
const VICTIM = `(select tenant, job_id from attempt
  where outcome = 'succeeded' and attempt = 1 order by job_id limit 1)`;

/** What each corruption does, and which invariant has to find it. */
export const CORRUPTED: Readonly<
  Record<Corruption, { readonly found: string; readonly statements: readonly string[] }>
> = {
  "lose-job": {
    found: "1",
    statements: [
      `create temporary table victim as ${VICTIM}`,
      ...["job_event", "attempt"].map(
        (table) => `delete from ${table} t using victim v where t.job_id = v.job_id`,
      ),
      "delete from job j using victim v where j.id = v.job_id",
    ],
  },
  "double-job": {
    found: "2",
    statements: [
      `create temporary table victim as select j.* from job j join ${VICTIM} v
        on j.id = v.job_id`,
      "update victim set id = gen_random_uuid(), idempotency_key = null",
      "insert into job select * from victim",
    ],
  },
  revive: {
    found: "4",
    statements: [
      `insert into job_event (tenant, job_id, kind, from_state, to_state, actor)
        select tenant, job_id, 'due', 'scheduled', 'ready', 'chaos' from ${VICTIM} v`,
    ],
  },
  steal: {
    found: "5",
    statements: [
      `insert into job_event (tenant, job_id, kind, from_state, to_state, attempt, lease_epoch,
          actor)
        select v.tenant, v.job_id, e.kind, e.from_state, e.to_state, 1, e.epoch, 'chaos'
        from ${VICTIM} v cross join (values (1, 'offered', 'ready', 'offered', 7),
          (2, 'started', 'offered', 'running', 7), (3, 'succeeded', 'running', 'succeeded', 3))
          e (step, kind, from_state, to_state, epoch)
        order by e.step`,
    ],
  },
  "skip-attempt": {
    found: "6",
    statements: [`update attempt a set attempt = 3 from ${VICTIM} v where a.job_id = v.job_id`],
  },
};

/** Spoils a ledger for good, past its keys, as a bug or a slip of the hand would. */
export async function corrupt(query: Query, how: Corruption): Promise<void> {
  // One string is one session and one transaction.
  const statements = ["set local session_replication_role = replica", ...CORRUPTED[how].statements];
  await query(statements.join(";\n"));
}
