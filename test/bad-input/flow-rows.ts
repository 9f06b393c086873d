import { badToken, fails, invalid, type Row, row } from "./row.ts";

const createSource = row("SourceService/CreateSource");
const getSource = row("SourceService/GetSource");
const listSources = row("SourceService/ListSources");
const updateSource = row("SourceService/UpdateSource");

const sourceNotFound = fails("not_found", "SOURCE_NOT_FOUND");

const SOURCES: readonly Row[] = [
  createSource("no source", () => ({}), invalid("source")),
  createSource("a name that is none", () => ({ source: { name: "/a b" } }), invalid("source.name")),
  createSource(
    "a name that is taken",
    () => ({ source: { name: "osv" } }),
    fails("already_exists", "SOURCE_EXISTS"),
  ),
  createSource(
    "a label with U+0000",
    () => ({ source: { name: "new", labels: { a: "\0" } } }),
    fails("invalid_argument", "TEXT_INVALID"),
  ),
  getSource("no name", () => ({}), invalid("name")),
  getSource("an unknown name", () => ({ name: "none" }), sourceNotFound),
  listSources("a page too large", () => ({ pageSize: 1_001 }), invalid("page_size")),
  listSources("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
  updateSource("an unknown name", () => ({ source: { name: "none" } }), sourceNotFound),
  updateSource(
    "an etag of nobody",
    () => ({ source: { name: "osv", etag: "zz" } }),
    fails("aborted", "ETAG_MISMATCH"),
  ),
  updateSource(
    "a mask of something else",
    () => ({ source: { name: "osv" }, updateMask: "createTime" }),
    invalid("update_mask"),
  ),
];

const getSettings = row("FlowControlService/GetFlowSettings");
const listSettings = row("FlowControlService/ListFlowSettings");
const update = row("FlowControlService/UpdateFlowSettings");
const pause = row("FlowControlService/Pause");
const resume = row("FlowControlService/Resume");
const listChanges = row("FlowControlService/ListFlowChanges");
const listStates = row("FlowControlService/ListFlowStates");

const tenant = { kind: "FLOW_SCOPE_KIND_TENANT" };
const queue = { kind: "FLOW_SCOPE_KIND_QUEUE", name: "full" };
const windowOf = (over: object) => ({
  name: "w",
  recurring: { cron: "0 0 * * *", timeZone: "UTC", duration: "60s", ...over },
});

const FLOW: readonly Row[] = [
  getSettings("no scope", () => ({}), invalid("scope")),
  getSettings(
    "a queue without a name",
    () => ({ scope: { ...queue, name: "" } }),
    invalid("scope"),
  ),
  listSettings("an unknown kind", () => ({ kind: 99 }), invalid("kind")),
  listSettings("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
  update("no settings", () => ({}), invalid("settings")),
  update(
    "an etag of nobody",
    () => ({ settings: { scope: queue, etag: "zz" } }),
    fails("aborted", "ETAG_MISMATCH"),
  ),
  update(
    "what its scope cannot have",
    () => ({ settings: { scope: queue, weight: 2, maxConcurrencyPerKey: 1 } }),
    invalid("settings.max_concurrency_per_key", "settings.weight"),
  ),
  update(
    "a zone and a time that are none",
    () => ({
      settings: { scope: tenant, blackouts: [windowOf({ cron: "x", timeZone: "Nowhere" })] },
    }),
    invalid("settings.blackouts[0].recurring.cron", "settings.blackouts[0].recurring.time_zone"),
  ),
  update(
    "an end before the start",
    () => ({
      settings: {
        scope: tenant,
        blackouts: [
          {
            name: "w",
            once: { startTime: "2030-01-02T00:00:00Z", endTime: "2030-01-01T00:00:00Z" },
          },
        ],
      },
    }),
    invalid("settings.blackouts[0].once.end_time"),
  ),
  pause("no reason", () => ({ scope: queue }), invalid("reason")),
  pause("no scope", () => ({ reason: "r" }), invalid("scope")),
  resume("a tenant with a name", () => ({ scope: { ...tenant, name: "x" } }), invalid("scope")),
  listChanges("a page too large", () => ({ pageSize: 1_001 }), invalid("page_size")),
  listChanges("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
  listStates("a negative page", () => ({ pageSize: -1 }), invalid("page_size")),
  listStates("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
];

/** Bad requests of SourceService and FlowControlService. */
export const flowRows: readonly Row[] = [...SOURCES, ...FLOW];
