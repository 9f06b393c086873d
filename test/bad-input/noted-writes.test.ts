import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Clients } from "../../server/src/rpc/testing/clients.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { openWire, type Wire, type WireAnswer } from "../support/wire.ts";
import { goodRequests } from "./good-requests.ts";
import { METHODS, methodOf, nameOf } from "./methods.ts";
import { type Scene, setScene } from "./scene.ts";

/**
 * Which list has what operators do, and what a repetition does: the request_id answers it, it
 * changes nothing, it sets the same again (and says so again), or it is refused.
 */
type Note = readonly [
  list: "actions" | "changes",
  again: "request_id" | "changes nothing" | "sets again" | "refused",
];

// How every RPC that writes is noted. What producers and workers do is in the history of the job
// or the run, which is there because they did it; streams that only answer write nothing.
const NOTED: Readonly<Record<string, Note | "producer" | "worker" | "reads">> = {
  "TaskRunnerService/Session": "worker",
  "TaskRunnerService/ClaimJobs": "worker",
  "TaskRunnerService/RenewLeases": "worker",
  "TaskRunnerService/ReportProgress": "worker",
  "TaskRunnerService/CompleteAttempts": "worker",
  "TaskRunnerService/FailAttempts": "worker",
  "TaskRunnerService/ReleaseLeases": "worker",
  "JobService/EnqueueJobs": "producer",
  "JobService/WatchJobs": "reads",
  "JobService/CancelJobs": ["actions", "changes nothing"],
  "JobService/RetryJobs": ["actions", "changes nothing"],
  "RunService/CreateRun": "producer",
  "RunService/AppendJobs": "producer",
  "RunService/CloseRun": "producer",
  "RunService/CancelRun": ["actions", "request_id"],
  "RunService/ReplayRun": ["actions", "request_id"],
  "ArtifactService/UploadArtifact": "producer",
  "ArtifactService/DownloadArtifact": "reads",
  "SourceService/CreateSource": ["changes", "refused"],
  "SourceService/UpdateSource": ["changes", "sets again"],
  "FlowControlService/UpdateFlowSettings": ["changes", "sets again"],
  "FlowControlService/Pause": ["changes", "changes nothing"],
  "FlowControlService/Resume": ["changes", "changes nothing"],
  "PipelineService/PutPipeline": ["actions", "changes nothing"],
  "PipelineService/RunPipeline": "producer",
  "ScheduleService/CreateSchedule": ["actions", "changes nothing"],
  "ScheduleService/UpdateSchedule": ["actions", "sets again"],
  "ScheduleService/DeleteSchedule": ["actions", "changes nothing"],
  "ScheduleService/PauseSchedule": ["actions", "sets again"],
  "ScheduleService/ResumeSchedule": ["actions", "changes nothing"],
  "ScheduleService/TriggerSchedule": ["actions", "request_id"],
  "WatermarkService/PutWindowSeries": ["actions", "changes nothing"],
  "BackfillService/CreateBackfill": ["actions", "request_id"],
  "BackfillService/PauseBackfill": ["actions", "changes nothing"],
  "BackfillService/ResumeBackfill": ["actions", "changes nothing"],
  "BackfillService/CancelBackfill": ["actions", "changes nothing"],
  "OperationService/StartOperation": ["actions", "request_id"],
  "OperationService/StopOperation": ["actions", "changes nothing"],
  "FleetService/TakeOut": ["actions", "request_id"],
  "FleetService/PutBack": ["actions", "changes nothing"],
};

const LISTS = {
  actions: ["HistoryService/ListActions", "actions"],
  changes: ["FlowControlService/ListFlowChanges", "changes"],
} as const;

const ADA = "ada";
const why = { reason: "because of this", ticket: "OPS-7" };
const host = { kind: "FLOW_SCOPE_KIND_HOST", name: "quiet.example" };
/** The id of an operation that takes its time. */
const SLOW = randomUUID();

let stage: Stage;
let clients: Clients;
let wire: Wire;

beforeAll(async () => {
  stage = await openStage();
  const server = await stage.server({ policy: { leaseTtl: "3600s" } });
  clients = stage.clients(server.url);
  wire = openWire(server.url);
});
afterAll(async () => {
  await wire.close();
  await stage.close();
});

const call = (scene: Scene, rpc: string, message: object, actor = ADA): Promise<WireAnswer> =>
  wire.call(methodOf(rpc), "json", [JSON.stringify(message)], {
    "orch-tenant": scene.tenant,
    "orch-actor": actor,
  });

/** What the history says that this test's operator did. */
async function notes(scene: Scene, list: Note[0]): Promise<object[]> {
  const [rpc, field] = LISTS[list];
  const { messages } = await call(scene, rpc, {});
  const page = messages[0] as Record<string, { actor: string }[]>;
  return (page[field] ?? []).filter(({ actor }) => actor === ADA);
}

// Some of what the scene has is as the call wants it already: then nothing changes, nor is said.
const BEFORE: Readonly<Record<string, readonly [rpc: string, message: (scene: Scene) => object]>> =
  {
    "FlowControlService/Resume": ["FlowControlService/Pause", () => ({ scope: host, reason: "r" })],
    "BackfillService/PauseBackfill": [
      "BackfillService/ResumeBackfill",
      ({ backfillId }) => ({ backfillId }),
    ],
    "OperationService/StopOperation": [
      "OperationService/StartOperation",
      ({ runId }) => ({
        requestId: SLOW,
        matching: { runId },
        cancel: {},
        maxJobsPerSecond: 0.001,
      }),
    ],
  };

/** What to ask for instead of the good request. */
const INSTEAD: Readonly<Record<string, (scene: Scene) => object>> = {
  "JobService/CancelJobs": ({ readyJob }) => ({ jobIds: [readyJob] }),
  "JobService/RetryJobs": ({ deadJob }) => ({ jobIds: [deadJob] }),
  "OperationService/StopOperation": () => ({ operationId: SLOW }),
};

it("knows all services", async () => {
  const folder = new URL("../../proto/stellaops/orchestrator/v1/", import.meta.url);
  const files = (await readdir(folder)).filter((name) => name.endsWith(".proto"));
  const texts = await Promise.all(files.map((name) => readFile(new URL(name, folder), "utf8")));
  const declared = texts.flatMap((text) => [...text.matchAll(/^service (\w+)/gm)]);
  const known = new Set(METHODS.map(({ parent }) => parent.name));
  expect([...known].sort()).toEqual(declared.map(([, name]) => name).sort());
});

it("says of each RPC that writes how that is noted, and of no other", () => {
  const writing = METHODS.filter(({ idempotency }) => idempotency !== Idempotency.NO_SIDE_EFFECTS);
  expect(Object.keys(NOTED).sort()).toEqual(writing.map(nameOf).sort());
});

const operators = Object.entries(NOTED).flatMap(([rpc, note]) =>
  typeof note === "string" ? [] : [[rpc, ...note] as const],
);

describe.each(operators)("%s", (rpc, list, again) => {
  it("takes a reason and a ticket, and an id if a repetition needs one", () => {
    const fields = methodOf(rpc).input.fields.map(({ name }) => name);
    expect(fields).toEqual(expect.arrayContaining(["reason", "ticket"]));
    expect(fields.includes("request_id")).toBe(again === "request_id");
  });

  it("is in the history with who and why, and can be repeated", async () => {
    const scene = await setScene(clients);
    const before = BEFORE[rpc];
    if (before !== undefined) {
      const [first, message] = before;
      expect(await call(scene, first, message(scene), "bob")).toMatchObject({ code: "ok" });
    }
    const request = { ...goodRequests(scene)[rpc]?.[0], ...INSTEAD[rpc]?.(scene), ...why };
    expect(await call(scene, rpc, request)).toMatchObject({ code: "ok" });
    const noted = await notes(scene, list);
    expect(noted).not.toEqual([]);
    for (const note of noted) expect(note).toMatchObject({ actor: ADA, ...why });
    const { code } = await call(scene, rpc, request);
    expect(code).toBe(again === "refused" ? "already_exists" : "ok");
    const now = await notes(scene, list);
    if (again === "sets again") expect(now).toHaveLength(noted.length + 1);
    else expect(now).toEqual(noted);
  });
});
