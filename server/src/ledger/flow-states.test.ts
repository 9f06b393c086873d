import { createTestDatabase } from "../../../test/support/database.ts";
import { stateStoreSuite } from "../app/flow/testing/state-store-suite.ts";
import { postgresFlowStates } from "./flow-states.ts";

stateStoreSuite("Postgres", async () => {
  const database = await createTestDatabase();
  const replica = () => postgresFlowStates(database.pool());
  return { replicas: [replica(), replica()], close: () => database.drop() };
});
