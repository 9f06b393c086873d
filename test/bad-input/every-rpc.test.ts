import {
  type DescField,
  type DescMethod,
  fromJson,
  type JsonObject,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FiringOutcome } from "../../server/src/gen/stellaops/orchestrator/v1/schedule_pb.ts";
import { as, type Clients, ended } from "../../server/src/rpc/testing/clients.ts";
import { ledgerHash } from "../support/ledger-hash.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { openStage, SOON, type Stage } from "../support/stage.ts";
import { openWire, type Wire, type WireAnswer } from "../support/wire.ts";
import { goodRequests, otherRequests } from "./good-requests.ts";
import { METHODS, nameOf } from "./methods.ts";
import { extremes, placesIn, wrongType } from "./places.ts";
import { type Scene, setScene } from "./scene.ts";

// Hundreds of calls, and a new scene after each that was taken.
const PATIENCE = { timeout: 120_000 };

// Looking for stuck work notes it in the history of jobs.
const CALM = { ORCH_STUCK_AFTER: "86400" };

// Leases stay, a claim that asks for a year gets an instant.
const POLICY = { leaseTtl: "3600s", unaryPollDefault: "0.1s", unaryPollMax: "0.1s" };

let stage: Stage;
let server: ServerProcess;
let clients: Clients;
let wire: Wire;
let scene: Scene;
let hash: Readonly<Record<string, string>>;

beforeAll(async () => {
  stage = await openStage();
  server = await stage.server({ policy: POLICY, env: CALM });
  clients = stage.clients(server.url);
  await newScene();
});
afterAll(() => stage.close());

// A connection for each test: one that sends a lot of rubbish is told to calm down.
beforeEach(() => {
  wire = openWire(server.url);
});
afterEach(() => wire.close());

async function newScene(): Promise<void> {
  scene = await setScene(clients);
  hash = await ledgerHash(stage.owner, scene.tenant);
}

const goodMessages = (method: DescMethod): readonly JsonObject[] => {
  const found = goodRequests(scene)[nameOf(method)];
  if (found === undefined) throw new Error(`give ${nameOf(method)} a row in good-requests.ts`);
  return found;
};

/** The messages of all good calls, those of the choices that a message has last. */
const goodCalls = (method: DescMethod): readonly (readonly JsonObject[])[] => {
  const others = otherRequests(scene)[nameOf(method)] ?? [];
  return [goodMessages(method), ...others.map((message) => [message])];
};

/** Every message of every good call: how to make its call anew, and its place in that. */
const goodPlaces = (method: DescMethod) =>
  goodCalls(method).flatMap((call, nth) =>
    call.map((_, index) => ({ index, make: () => goodCalls(method)[nth] ?? [] })),
  );

const callJson = (method: DescMethod, messages: readonly JsonObject[], tenant = scene.tenant) =>
  wire.call(
    method,
    "json",
    messages.map((message) => JSON.stringify(message)),
    { "orch-tenant": tenant },
  );

const callBytes = (method: DescMethod, ...messages: Uint8Array[]) =>
  wire.call(method, "proto", messages, { "orch-tenant": scene.tenant });

const unchanged = async (what = "the ledger") =>
  expect(await ledgerHash(stage.owner, scene.tenant), what).toEqual(hash);

const invalid = (reason: string) => ({
  code: "invalid_argument",
  reason,
  domain: "orchestrator.stellaops",
});

// What these make changes nothing that is there, moves by itself no more than the scene does, and
// does not stand in the way of the next one: the scene, which takes its time, can stay.
const ADDING = [
  "EnqueueJobs",
  "CreateRun",
  "AppendJobs",
  "RunPipeline",
  "PutPipeline",
  "CreateSource",
  "CreateSchedule",
];

/** Those of schedules begin to fire in a later year, unless it is that which is wrong with them. */
const onlyAdds = ({ name }: DescMethod, what: string): boolean =>
  ADDING.includes(name) && !what.startsWith("schedule.start_time");

/** The answer is one that the contract allows for a request that may be wrong in one field. */
async function expectAllowed(
  method: DescMethod,
  answer: WireAnswer,
  what: string,
  isFirst = true,
): Promise<void> {
  if (answer.code === "ok") {
    const now = await ledgerHash(stage.owner, scene.tenant);
    if (JSON.stringify(now) === JSON.stringify(hash)) return;
    await expectReadable(method, what);
    if (onlyAdds(method, what)) hash = now;
    else await newScene();
    return;
  }
  expect(answer, what).toMatchObject({ domain: "orchestrator.stellaops" });
  expect(answer.reason, what).toMatch(/^[A-Z][A-Z0-9_]+$/);
  expect(["internal", "unknown", "deadline_exceeded", "unavailable"], what).not.toContain(
    answer.code,
  );
  if (answer.code === "invalid_argument") expect(answer.violations, what).not.toEqual([]);
  // A stream's earlier messages were good and did what they say.
  if (!isFirst) await newScene();
  else await unchanged(what);
}

// Lists that have to be told of what.
const NAMED = [
  "ListJobEvents",
  "ListFirings",
  "ListGaps",
  "ListBackfillWindows",
  "ListOperationResults",
];

/** What was written, however strange, can be listed, and so can who wrote it. */
async function expectReadable(method: DescMethod, what: string): Promise<void> {
  const lists = METHODS.filter(
    ({ name, parent }) =>
      name === "ListActions" || (name.startsWith("List") && parent === method.parent),
  );
  for (const list of lists) {
    const answer = await callJson(list, NAMED.includes(list.name) ? goodMessages(list) : [{}]);
    // Somebody may have deleted it.
    expect(answer.code, `${list.name} after ${what}`).toMatch(/^(ok|not_found)$/);
  }
}

it("has a good request for each RPC of the contract and for no other", () => {
  expect(Object.keys(goodRequests(scene)).sort()).toEqual(METHODS.map(nameOf).sort());
});

describe.each(METHODS.map((method) => [nameOf(method), method] as const))("%s", (_, method) => {
  it("takes its good requests", async () => {
    for (const nth of goodCalls(method).keys()) {
      const call = goodCalls(method)[nth] ?? [];
      expect(await callJson(method, call), JSON.stringify(call)).toMatchObject({ code: "ok" });
      await newScene();
    }
  });

  it("refuses a tenant that is none", async () => {
    for (const tenant of ["", "UPPER", "a b", "-a", "a/b", "a,b", "caf\u00e9", "a".repeat(64)]) {
      const answer = await callJson(method, goodMessages(method), tenant);
      expect(answer, tenant).toMatchObject({
        ...invalid("TENANT_INVALID"),
        violations: ["orch-tenant"],
      });
    }
    await unchanged();
  });

  it("refuses bytes that are no message", async () => {
    // A text, list or message that says it is longer than what comes.
    const cut = `${tagOf(method.input.fields.find(hasLength)).toString(16).padStart(2, "0")}7f`;
    const rubbish = ["ffffffffffffffffffffffff", cut, "0b0b0b", "08", "1f00"];
    for (const hex of rubbish) {
      const answer = await callBytes(method, Buffer.from(hex, "hex"));
      expect(answer, hex).toMatchObject(invalid("REQUEST_MALFORMED"));
      expect(answer.violations, hex).toHaveLength(1);
    }
    await unchanged();
  });

  it("refuses text that is not UTF-8", async () => {
    const messages = goodMessages(method).map((json) =>
      toBinary(method.input, fromJson(method.input, json)),
    );
    const text = method.input.fields.find(({ scalar }) => scalar === ScalarType.STRING);
    let first = Buffer.from(messages[0] ?? []);
    // The first text of three letters or more; one of its own where the request has none.
    const at = /[a-z0-9]{3}/.exec(first.toString("latin1"))?.index ?? -1;
    if (at > 0) first[at] = 0xff;
    else first = Buffer.concat([first, Buffer.from([tagOf(text), 1, 0xff])]);
    const answer = await callBytes(method, first, ...messages.slice(1));
    // A message without fields takes anything for a field that is newer than it.
    if (method.input.fields.length === 0) expect(answer).toMatchObject({ code: "ok" });
    else expect(answer).toMatchObject(invalid("REQUEST_MALFORMED"));
    await unchanged();
  });

  it("refuses text that is not JSON", async () => {
    for (const text of ["", "{", "[]", "7", '"x"', "{]"]) {
      const answer = await wire.call(method, "json", [text], { "orch-tenant": scene.tenant });
      // Connect takes an empty body for an empty message.
      const reason = text === "" ? /^REQUEST_(MALFORMED|INVALID)$/ : /^REQUEST_MALFORMED$/;
      if (text === "" && answer.code === "ok") continue;
      expect(answer, text).toMatchObject({ code: "invalid_argument" });
      expect(answer.reason, text).toMatch(reason);
    }
    await unchanged();
  });

  it("refuses a message that is larger than the contract allows", async () => {
    const answer = await callBytes(method, Buffer.alloc(4 * 1024 * 1024 + 1));
    expect(answer).toMatchObject({ code: "resource_exhausted", reason: "MESSAGE_TOO_LARGE" });
    await unchanged();
  });

  it("refuses a wrong type in every field", async () => {
    for (const { index, make } of goodPlaces(method)) {
      for (const place of placesIn(method.input, make()[index] ?? {})) {
        const value = wrongType(place.field);
        if (value === undefined) continue;
        const answer = await callJson(method, [...make().slice(0, index), place.put(value)]);
        expect(answer, place.path).toMatchObject(invalid("REQUEST_MALFORMED"));
        expect(answer.violations, place.path).toHaveLength(1);
        if (index > 0) await newScene();
      }
    }
    await unchanged();
  });

  it("survives an extreme value in every field", PATIENCE, async () => {
    await newScene();
    for (const { index, make } of goodPlaces(method)) {
      const places = () => placesIn(method.input, make()[index] ?? {});
      for (const [nth, { field }] of places().entries()) {
        for (const value of extremes(field)) {
          // Made anew: the scene may have moved on.
          const place = places()[nth];
          if (place === undefined) throw new Error("the request changed its shape");
          const what = `${place.path} = ${JSON.stringify(value)?.slice(0, 80)}`;
          // What comes after it may depend on it.
          const answer = await callJson(method, [...make().slice(0, index), place.put(value)]);
          await expectAllowed(method, answer, what, index === 0);
        }
      }
    }
  });
});

/** The tag of a field of bytes with a length in front; without a field that of an unknown one. */
function tagOf(field: DescField | undefined): number {
  if (field !== undefined && field.number > 15) throw new Error("its number does not fit a byte");
  return ((field?.number ?? 1) << 3) | 2;
}

const hasLength = (field: DescField): boolean =>
  field.fieldKind === "message" ||
  field.fieldKind === "list" ||
  (field.fieldKind === "scalar" && field.scalar === ScalarType.STRING);

describe("a moment beyond the calendar", () => {
  it.each(METHODS.map((method) => [nameOf(method), method] as const))("%s", async (_, method) => {
    for (const { index, make } of goodPlaces(method)) {
      for (const { field, path, put } of placesIn(method.input, make()[index] ?? {})) {
        const beforeEpoch = field.fieldKind === "message" && BEFORE_EPOCH[field.message.typeName];
        if (!beforeEpoch) continue;
        const bytes = toBinary(method.input, fromJson(method.input, put(beforeEpoch)));
        for (const varint of BEYOND) {
          const answer = await callBytes(method, withSeconds(bytes, varint));
          await expectAllowed(method, answer, `${path} = ${varint}`, index === 0);
        }
      }
    }
  });
});

// Minus one second, which takes ten bytes: room for every other int64.
const BEFORE_EPOCH: Readonly<Record<string, string>> = {
  "google.protobuf.Duration": "-1s",
  "google.protobuf.Timestamp": "1969-12-31T23:59:59Z",
};
const MINUS_ONE = "ffffffffffffffffff01";
const BEYOND = ["80808080808080808001", "ffffffffffffffffff00", "8080808080808080c000"];

function withSeconds(message: Uint8Array, varint: string): Uint8Array {
  const hex = Buffer.from(message).toString("hex");
  expect(hex.split(MINUS_ONE)).toHaveLength(2);
  return Buffer.from(hex.replace(MINUS_ONE, varint), "hex");
}

it("leaves the server alive, and its loops at work", async () => {
  await newScene();
  const caller = as(scene.tenant);
  expect((await clients.jobs.getJob({ jobId: scene.readyJob }, caller)).job).toBeDefined();
  const timing = { case: "interval" as const, value: { every: { seconds: 1n } } };
  const target = { case: "job" as const, value: { jobType: "bad.fired" } };
  await clients.schedules.createSchedule({ schedule: { name: "often", timing, target } }, caller);
  await expect
    .poll(async () => {
      const { firings } = await clients.schedules.listFirings({ name: "often" }, caller);
      return firings.map(({ outcome }) => outcome);
    }, SOON)
    .toContain(FiringOutcome.CREATED);
  const { backfillId } = scene;
  await clients.backfills.resumeBackfill({ backfillId }, caller);
  await expect
    .poll(async () => {
      const { windows } = await clients.backfills.listBackfillWindows({ backfillId }, caller);
      return windows.length;
    }, SOON)
    .toBeGreaterThan(0);
  const { runId } = scene;
  const { operation } = await clients.runs.cancelRun({ runId }, caller);
  await ended(clients, scene.tenant, operation?.operationId ?? "");
  const worried = ({ level, msg }: Line) => Number(level) >= 50 || msg === "a tick failed";
  expect(server.program.lines.filter(worried)).toEqual([]);
});

type Line = (typeof server.program.lines)[number];
