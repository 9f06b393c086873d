import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { FlowChangeView, listChanges } from "../app/flow/list-changes.ts";
import type { listSettings } from "../app/flow/list-settings.ts";
import type { listStates } from "../app/flow/list-states.ts";
import type {
  pauseScope,
  resumeScope,
  StoredSettings,
  updateSettings,
} from "../app/flow/settings.ts";
import type { FlowScope } from "../domain/flow/settings.ts";
import {
  type FlowChange,
  FlowChangeSchema,
  type FlowControlService,
} from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { auditOf } from "./audit.ts";
import { aborted, type FieldViolation, invalidArgument } from "./errors.ts";
import { scopeIfSet, scopeKindOf, scopeMessage, scopeOf } from "./flow-scope.ts";
import { readFlowSettings, readPause } from "./flow-settings-read.ts";
import { settingsJson, storedSettingsMessage } from "./flow-settings-write.ts";
import { flowStateMessage } from "./flow-states.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { pageTokenInvalid } from "./page-tokens.ts";
import { sourceJson } from "./source-message.ts";

/** The use cases behind the service. */
export interface FlowControlPorts {
  readonly read: (tenant: string, scope: FlowScope) => Promise<StoredSettings>;
  readonly list: ReturnType<typeof listSettings>;
  readonly update: ReturnType<typeof updateSettings>;
  readonly pause: ReturnType<typeof pauseScope>;
  readonly resume: ReturnType<typeof resumeScope>;
  readonly changes: ReturnType<typeof listChanges>;
  readonly states: ReturnType<typeof listStates>;
}

type FlowControl = ServiceImpl<typeof FlowControlService>;

/** FlowControlService: translates, and leaves the work to the use cases. */
export const flowControlService = (ports: FlowControlPorts): FlowControl => ({
  ...flowReads(ports),

  async updateFlowSettings(request, context) {
    const { settings } = request;
    if (settings === undefined)
      throw new Error("validation let a request without settings through");
    const scope = scopeOf(settings.scope);
    const wanted = readFlowSettings(scope.kind, settings);
    const audit = auditOf(request, context);
    const { etag } = settings;
    const result = await ports.update(tenantOf(context), scope, wanted, etag, audit);
    if (result.kind === "etag_mismatch") {
      throw aborted("ETAG_MISMATCH", { metadata: { kind: scope.kind, name: scope.name } });
    }
    return { settings: storedSettingsMessage(result.stored) };
  },

  async pause(request, context) {
    const violations: FieldViolation[] = [];
    const pause = readPause(violations, request, "");
    if (violations.length > 0) throw invalidArgument("REQUEST_INVALID", violations);
    const scope = scopeOf(request.scope);
    const stored = await ports.pause(tenantOf(context), scope, pause, auditOf(request, context));
    return { settings: storedSettingsMessage(stored) };
  },

  async resume(request, context) {
    const scope = scopeOf(request.scope);
    const stored = await ports.resume(tenantOf(context), scope, auditOf(request, context));
    return { settings: storedSettingsMessage(stored) };
  },
});

const flowReads = (
  ports: FlowControlPorts,
): Pick<
  FlowControl,
  "getFlowSettings" | "listFlowSettings" | "listFlowChanges" | "listFlowStates"
> => ({
  async getFlowSettings(request, context) {
    const stored = await ports.read(tenantOf(context), scopeOf(request.scope));
    return { settings: storedSettingsMessage(stored) };
  },

  async listFlowSettings(request, context) {
    const kind = scopeKindOf(request.kind);
    const result = await ports.list(tenantOf(context), kind, request);
    if (result.kind !== "page") throw pageTokenInvalid();
    const { items, nextPageToken } = result;
    return { settings: items.map(storedSettingsMessage), nextPageToken };
  },

  async listFlowChanges(request, context) {
    const scope = scopeIfSet(request.scope);
    const result = await ports.changes(tenantOf(context), scope, request);
    if (result.kind !== "page") throw pageTokenInvalid();
    return { changes: result.items.map(changeMessage), nextPageToken: result.nextPageToken };
  },

  async listFlowStates(request, context) {
    const scope = scopeIfSet(request.scope);
    const result = await ports.states(tenantOf(context), scope, request);
    if (result.kind !== "page") throw pageTokenInvalid();
    return { states: result.items.map(flowStateMessage), nextPageToken: result.nextPageToken };
  },
});

function changeMessage(change: FlowChangeView): FlowChange {
  const { id, at, scope, kind, actor, reason, ticket } = change;
  return create(FlowChangeSchema, {
    changeId: BigInt(id),
    time: timestampFromDate(at),
    scope: scopeMessage(scope),
    kind,
    actor,
    reason,
    ticket,
    ...jsonOf(change),
  });
}

function jsonOf({ scope, content }: FlowChangeView): { beforeJson: string; afterJson: string } {
  if (content.of === "source") {
    const { before, after } = content;
    const beforeJson = before === undefined ? "" : sourceJson(scope.name, before);
    return { beforeJson, afterJson: sourceJson(scope.name, after) };
  }
  const { before, after } = content;
  const beforeJson = before === undefined ? "" : settingsJson(scope, before);
  return { beforeJson, afterJson: settingsJson(scope, after) };
}
