import { afterAll, beforeAll, expect, it } from "vitest";
import { ledgerHash } from "../support/ledger-hash.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { openWire, type Wire } from "../support/wire.ts";
import { METHODS, methodOf, nameOf } from "./methods.ts";
import { ROWS } from "./rows.ts";
import { type Scene, setScene } from "./scene.ts";

let stage: Stage;
let server: ServerProcess;
let wire: Wire;
let scene: Scene;
let hash: Readonly<Record<string, string>>;

beforeAll(async () => {
  stage = await openStage();
  // Looking for stuck work notes it in the history of jobs.
  const env = { ORCH_STUCK_AFTER: "86400" };
  server = await stage.server({ policy: { leaseTtl: "3600s" }, env });
  wire = openWire(server.url);
  scene = await setScene(stage.clients(server.url));
  hash = await ledgerHash(stage.owner, scene.tenant);
});
afterAll(async () => {
  await wire.close();
  await stage.close();
});

it("has rows for each RPC of the contract whose request has fields", () => {
  const withFields = METHODS.filter(({ input }) => input.fields.length > 0);
  expect([...new Set(ROWS.map(({ rpc }) => rpc))].sort()).toEqual(withFields.map(nameOf).sort());
});

it.each(ROWS)("$rpc with $wrong", async ({ rpc, messages, answer }) => {
  const bodies = messages(scene).map((message) => JSON.stringify(message));
  const said = await wire.call(methodOf(rpc), "json", bodies, { "orch-tenant": scene.tenant });
  if ("item" in answer) {
    expect(said.code).toBe("ok");
    const [items] = Object.values(said.messages[0] as Record<string, unknown[]>);
    expect(items).toEqual([expect.anything()]);
    expect(items?.[0]).toMatchObject(
      "error" in answer.item ? { error: { details: expect.anything() } } : answer.item,
    );
    if ("error" in answer.item) expect(JSON.stringify(items)).toContain(reasonIn(answer.item));
  } else {
    const { violations, ...error } = answer;
    expect(said).toMatchObject({ ...error, domain: "orchestrator.stellaops" });
    if (violations !== undefined) expect(said.violations).toEqual(violations);
    else if (error.code === "invalid_argument") expect(said.violations).not.toEqual([]);
  }
  expect(await ledgerHash(stage.owner, scene.tenant)).toEqual(hash);
});

/** The reason that the row wants among the details, whatever stands beside it. */
function reasonIn(item: object): string {
  return /"reason":"(\w+)"/.exec(JSON.stringify(item))?.[0] ?? "no reason";
}

it("does not show another tenant's things", async () => {
  const other = { "orch-tenant": "somebody-else" };
  const bodies = [JSON.stringify({ jobId: scene.readyJob })];
  const said = await wire.call(methodOf("JobService/GetJob"), "json", bodies, other);
  expect(said).toMatchObject({ code: "not_found", reason: "JOB_NOT_FOUND" });
});

it("leaves the server alive", () => {
  expect(server.program.lines.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});
