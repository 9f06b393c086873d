import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  missingService,
  SHARED_KINDS,
  type SharedKind,
} from "../../server/src/queue/testing/queue-kinds.ts";
import type { ServerProcess } from "../support/server-process.ts";
import type { ServiceProcess } from "../support/service-process.ts";
import { enqueue, openStage, SOON, type Stage } from "../support/stage.ts";

const PER_ROUND = 40;

/** It takes 10 s; a machine that does other things takes more. */
const PATIENCE = { timeout: 90_000 };

let stage: Stage;

beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

for (const kind of SHARED_KINDS) {
  const missing = await missingService(kind.name);

  describe.skipIf(missing !== undefined)(
    `two servers with their ready queue on ${kind.name}`,
    () => {
      let service: ServiceProcess;

      beforeEach(async () => {
        service = await kind.start();
      });
      afterEach(() => service.stop());

      it(
        "finish everything while it is killed, comes back empty and is flushed",
        PATIENCE,
        async () => {
          const servers = [await serverOn(kind, service), await serverOn(kind, service)];
          const all = servers.map(({ url }) => stage.clients(url));
          for (const [index, server] of servers.entries()) stage.worker(server, `worker-${index}`);
          let enqueued = 0;
          const round = async () => {
            for (const clients of all) {
              enqueued += (await enqueue(clients, "test.quick", PER_ROUND)).length;
            }
          };
          await round();
          await service.kill();
          await round();
          for (const { program } of servers) {
            await program.line(({ msg }) => msg === "ready queue is away, searching the ledger");
          }
          await service.restart({ empty: true });
          for (const { program } of servers) {
            await program.line(({ msg }) => msg === "ready queue is there", 2);
          }
          await round();
          await kind.flush(service.url);
          await round();
          await expect
            .poll(() => stage.balance(), SOON)
            .toMatchObject({ enqueued, succeeded: enqueued });
          const exits = await Promise.all(servers.map((server) => server.stop()));
          expect(exits).toMatchObject([{ code: 0 }, { code: 0 }]);
        },
      );
    },
  );
}

async function serverOn(kind: SharedKind, service: ServiceProcess): Promise<ServerProcess> {
  const env = {
    ORCH_READY_QUEUE: kind.name,
    [`ORCH_${kind.name.toUpperCase()}_URL`]: service.url,
  };
  const server = await stage.server({ env });
  await server.program.line(({ msg }) => msg === "ready queue is there");
  return server;
}
