import type pg from "pg";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { attemptRow, eventRow, insertRows, jobRow } from "../support/ledger-rows.ts";
import { CORRUPTED, corrupt } from "./corrupt.ts";
import type { History } from "./history.ts";
import { INVARIANTS } from "./invariants/all.ts";
import { soundHistory } from "./invariants/sound-history.ts";
import { RED } from "./invariants/sound-rows.ts";
import { findUnfinished, type Query, readLedger } from "./ledger-history.ts";
import { CORRUPTIONS } from "./options.ts";
import { readPlans } from "./plan-ledger.ts";

// The ledger's part of a history is read from a real one; these say the rest.
const NONCE = "nonce-plain";
const MAX_ATTEMPTS = 5;

let database: TestDatabase;
let query: Query;
let jobId: string;

beforeEach(async () => {
  database = await createTestDatabase();
  const owner = database.owner();
  query = async <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
    (await owner.query<Row>(text, values)).rows;
  const payload = Buffer.from(JSON.stringify({ nonce: NONCE }));
  const job = jobRow(RED, { job_type: "chaos.quick", payload });
  jobId = job.id;
  await insertRows(owner, "job", job);
  await insertRows(owner, "attempt", attemptRow(RED, jobId));
  const held = { attempt: 1, lease_epoch: 1 };
  await insertRows(
    owner,
    "job_event",
    eventRow(RED, jobId),
    eventRow(RED, jobId, { kind: "offered", from_state: "ready", to_state: "offered", ...held }),
    eventRow(RED, jobId, { kind: "started", from_state: "offered", to_state: "running", ...held }),
    eventRow(RED, jobId, {
      ...{ kind: "succeeded", from_state: "running", to_state: "succeeded" },
      ...held,
    }),
  );
});
afterEach(() => database.drop());

async function violated(): Promise<string[]> {
  const { intents, ...sound } = soundHistory();
  const history: History = {
    ...sound,
    intents: intents.filter(({ nonce }) => nonce === NONCE),
    acks: [{ nonce: NONCE, tenant: RED, outcome: "created", jobId }],
    work: [],
    writes: [],
    ...{ grants: [], schedules: [], watermarks: [] },
    ...(await readLedger(query, MAX_ATTEMPTS)),
    ...(await readPlans(query)),
  };
  return INVARIANTS.filter((one) => one.check(history).violations.length > 0).map(
    ({ number }) => number,
  );
}

it("a ledger that nobody spoilt has nothing to find", async () => {
  expect(await violated()).toEqual([]);
  expect(await findUnfinished(query)).toEqual([]);
});

it.each(CORRUPTIONS)("a spoilt ledger is found: %s", async (how) => {
  await corrupt(query, how);
  expect(await violated()).toContain(CORRUPTED[how].found);
});
