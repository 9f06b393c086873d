import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import type { ServiceProcess } from "../../../test/support/service-process.ts";
import { startValkey } from "../../../test/support/valkey-process.ts";
import type { FlowStateStore, StateStep } from "../app/flow/state-store.ts";
import { stateStoreSuite } from "../app/flow/testing/state-store-suite.ts";
import { postgresFlowStates } from "../ledger/flow-states.ts";
import { missingService } from "./testing/queue-kinds.ts";
import { ValkeyFlowStates } from "./valkey-states.ts";

const missing = await missingService("valkey");

const onError = () => {}; // services are killed on purpose

/** Says so when the suite meets it: then Valkey was not asked. */
const never: FlowStateStore = {
  update: () => Promise.reject(new Error("the other store was asked")),
  read: () => Promise.reject(new Error("the other store was asked")),
};

async function open(url: string, otherwise: FlowStateStore): Promise<ValkeyFlowStates> {
  const store = new ValkeyFlowStates({ url, otherwise, onError });
  await store.start();
  return store;
}

if (missing === undefined) {
  stateStoreSuite("valkey", async () => {
    const valkey = await startValkey();
    const replicas = [await open(valkey.url, never), await open(valkey.url, never)] as const;
    const close = async () => {
      for (const store of replicas) store.stop();
      await valkey.stop();
    };
    return { replicas, close };
  });
}

describe.skipIf(missing !== undefined)("flow states while Valkey is away", () => {
  let database: TestDatabase;
  let valkey: ServiceProcess;
  let store: ValkeyFlowStates;

  beforeAll(async () => {
    database = await createTestDatabase();
    valkey = await startValkey();
    store = await open(valkey.url, postgresFlowStates(database.pool()));
  });

  afterAll(async () => {
    store.stop();
    await valkey.stop();
    await database.drop();
  });

  const tenant = "away";
  const step = async (one: StateStep) =>
    (await store.update(tenant, new Map([["a", one]]))).get("a")?.answer;

  it("are the ledger's, and Valkey's again when it is back", async () => {
    await step(() => ({ state: "in valkey", answer: 0 }));
    await valkey.kill();
    expect(await step((state) => ({ state: "in the ledger", answer: state }))).toBeUndefined();
    expect((await store.read([tenant])).get(tenant)?.get("a")).toBe("in the ledger");
    await valkey.restart({ empty: false });
    await expect
      .poll(() => step((state) => ({ state, answer: state })), { timeout: 15_000 })
      .toBe("in valkey");
  });
});
