import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";

const audit = { reason: "r", ticket: "T-1" };
const host = { kind: "FLOW_SCOPE_KIND_HOST", name: "quiet.example" };
const page = { pageSize: 10 };

const sourceOf = (name: string): JsonObject => ({
  name,
  type: "osv",
  host: "api.osv.dev",
  labels: { k: "v" },
  project: "p",
  objectives: { latency: "1s", successRatio: 0.9 },
});

const blackouts: JsonObject[] = [
  {
    name: "once",
    once: { startTime: "2030-01-01T00:00:00Z", endTime: "2030-01-02T00:00:00Z" },
  },
  {
    name: "weekly",
    recurring: { cron: "30 2 * * 0", timeZone: "Europe/Berlin", duration: "3600s" },
    stopRunning: true,
  },
];

/** Settings of a host with every field that it can have set. */
const settings = (): JsonObject => ({
  scope: host,
  pause: { reason: "r", expireTime: "2030-01-01T00:00:00Z" },
  maxConcurrency: 5,
  rate: { perSecond: 2.5, burst: 1 },
  breaker: { consecutiveFailures: 5, minSuccessRatio: 0.5, open: "1s" },
  blackouts,
});

/** Good requests of SourceService and FlowControlService; see goodRequests. */
export const flowRequests = (): Readonly<Record<string, readonly JsonObject[]>> => ({
  "SourceService/CreateSource": [{ source: sourceOf(`s-${randomUUID()}`), ...audit }],
  "SourceService/GetSource": [{ name: "osv" }],
  "SourceService/ListSources": [{ type: "osv", host: "api.osv.dev", ...page }],
  "SourceService/UpdateSource": [{ source: sourceOf("osv"), updateMask: "type,host", ...audit }],
  "FlowControlService/GetFlowSettings": [{ scope: host }],
  "FlowControlService/ListFlowSettings": [{ kind: "FLOW_SCOPE_KIND_HOST", ...page }],
  "FlowControlService/UpdateFlowSettings": [{ settings: settings(), ...audit }],
  "FlowControlService/Pause": [{ scope: host, expireTime: "2030-01-01T00:00:00Z", ...audit }],
  "FlowControlService/Resume": [{ scope: host, ...audit }],
  "FlowControlService/ListFlowChanges": [{ scope: host, ...page }],
  "FlowControlService/ListFlowStates": [{ scope: host, ...page }],
});
