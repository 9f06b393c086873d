import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { Audit } from "../app/audit.ts";
import type {
  createSchedule,
  ScheduleRefused,
  updateSchedule,
} from "../app/schedules/change-schedule.ts";
import type { listFirings, listSchedules } from "../app/schedules/list-schedules.ts";
import type { previewSchedule } from "../app/schedules/preview-schedule.ts";
import type { StoredSchedule, TargetRefusal } from "../app/schedules/stored-schedule.ts";
import type { TriggerResult } from "../app/schedules/trigger-schedule.ts";
import type {
  PreviewScheduleRequest,
  Schedule as ScheduleMessage,
  ScheduleService,
} from "../gen/stellaops/orchestrator/v1/schedule_pb.ts";
import { auditOf } from "./audit.ts";
import { momentOf } from "./durations.ts";
import {
  aborted,
  alreadyExists,
  type FieldViolation,
  failedPrecondition,
  invalidArgument,
  notFound,
} from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { enqueueError } from "./job-write.ts";
import { pageTokenInvalid } from "./page-tokens.ts";
import { runError } from "./run-spec.ts";
import { firingMessage, plannedMessage, scheduleMessage } from "./schedule-message.ts";
import { readSchedule, readScheduleChange, scheduleInvalid } from "./schedule-spec.ts";

type Change<Answer> = (tenant: string, name: string, audit: Audit) => Promise<Answer>;

/** The use cases behind the service. */
export interface ScheduleServicePorts {
  readonly create: ReturnType<typeof createSchedule>;
  readonly find: (tenant: string, name: string) => Promise<StoredSchedule | undefined>;
  readonly list: ReturnType<typeof listSchedules>;
  readonly update: ReturnType<typeof updateSchedule>;
  readonly remove: Change<boolean>;
  readonly pause: Change<StoredSchedule | undefined>;
  readonly resume: Change<StoredSchedule | undefined>;
  /** With undefined for the request id the call is not safe to repeat. */
  readonly trigger: (
    tenant: string,
    name: string,
    requestId: string | undefined,
    audit: Audit,
  ) => Promise<TriggerResult>;
  readonly preview: ReturnType<typeof previewSchedule>;
  readonly firings: ReturnType<typeof listFirings>;
}

type Service = ServiceImpl<typeof ScheduleService>;

/** ScheduleService: translates, and leaves the work to the use cases. */
export const scheduleService = (ports: ScheduleServicePorts): Service => ({
  ...changes(ports),
  ...reads(ports),
});

const changes = (ports: ScheduleServicePorts) =>
  ({
    async createSchedule(request, context) {
      const message = required(request.schedule);
      const { name } = message;
      const [tenant, audit] = [tenantOf(context), auditOf(request, context)];
      const result = await ports.create(tenant, name, readSchedule(message), audit);
      switch (result.kind) {
        case "created":
        case "existing":
          return { schedule: scheduleMessage(result.schedule) };
        case "exists":
          throw alreadyExists("SCHEDULE_EXISTS", { name });
        default:
          throw refusedError(result);
      }
    },

    async updateSchedule(request, context) {
      const message = required(request.schedule);
      const { name, etag } = message;
      const change = readScheduleChange(message, request.updateMask?.paths ?? []);
      const audit = auditOf(request, context);
      const result = await ports.update(tenantOf(context), name, change, etag, audit);
      switch (result.kind) {
        case "updated":
          return { schedule: scheduleMessage(result.schedule) };
        case "not_found":
          throw scheduleNotFound(name);
        case "etag_mismatch":
          throw aborted("ETAG_MISMATCH", { metadata: { name } });
        default:
          throw refusedError(result);
      }
    },

    async deleteSchedule(request, context) {
      const audit = auditOf(request, context);
      return { existed: await ports.remove(tenantOf(context), request.name, audit) };
    },

    pauseSchedule: (request, context) => changed(ports.pause, request, context),
    resumeSchedule: (request, context) => changed(ports.resume, request, context),

    async triggerSchedule(request, context) {
      const { name } = request;
      const requestId = requestIdOf(request.requestId);
      const audit = auditOf(request, context);
      const result = await ports.trigger(tenantOf(context), name, requestId, audit);
      switch (result.kind) {
        case "fired":
          return { firing: firingMessage(result.firing) };
        case "not_found":
          throw scheduleNotFound(name);
        case "refused":
          throw targetError(result.refusal);
      }
    },
  }) satisfies Partial<Service>;

const reads = (ports: ScheduleServicePorts) =>
  ({
    async getSchedule({ name }, context) {
      return {
        schedule: scheduleMessage(existing(await ports.find(tenantOf(context), name), name)),
      };
    },

    async listSchedules(request, context) {
      const result = await ports.list(tenantOf(context), request);
      if (result.kind !== "page") throw pageTokenInvalid();
      const { items, nextPageToken } = result;
      return { schedules: items.map(scheduleMessage), nextPageToken };
    },

    async previewSchedule(request, context) {
      const of = previewOf(request);
      const violations: FieldViolation[] = [];
      const from = momentOf(violations, "from_time", request.fromTime);
      if (violations.length > 0) throw invalidArgument("REQUEST_INVALID", violations);
      const result = await ports.preview(tenantOf(context), of, from, request.count);
      switch (result.kind) {
        case "planned": {
          const { schedule, firings } = result;
          return { firings: firings.map((firing) => plannedMessage(schedule, firing)) };
        }
        case "not_found":
          throw scheduleNotFound(of.name);
        case "faults":
          throw scheduleInvalid(result.faults);
      }
    },

    async listFirings(request, context) {
      const result = await ports.firings(tenantOf(context), request.name, request);
      if (result === undefined) throw scheduleNotFound(request.name);
      if (result.kind !== "page") throw pageTokenInvalid();
      return { firings: result.items.map(firingMessage), nextPageToken: result.nextPageToken };
    },
  }) satisfies Partial<Service>;

/** The nil UUID is what an unset one is in some languages. */
const requestIdOf = (text: string): string | undefined =>
  /^[0-]*$/.test(text) ? undefined : text.toLowerCase();

async function changed(
  change: Change<StoredSchedule | undefined>,
  request: { readonly name: string; readonly reason: string; readonly ticket: string },
  context: HandlerContext,
) {
  const { name } = request;
  const schedule = await change(tenantOf(context), name, auditOf(request, context));
  return { schedule: scheduleMessage(existing(schedule, name)) };
}

function required(schedule: ScheduleMessage | undefined): ScheduleMessage {
  if (schedule === undefined) throw new Error("validation let a request without it through");
  return schedule;
}

function existing(schedule: StoredSchedule | undefined, name: string): StoredSchedule {
  if (schedule === undefined) throw scheduleNotFound(name);
  return schedule;
}

const scheduleNotFound = (name: string) => notFound("SCHEDULE_NOT_FOUND", { name });

function previewOf({ of }: PreviewScheduleRequest) {
  if (of.case === "name") return { name: of.value, described: undefined };
  const message = required(of.value);
  return { name: message.name, described: readSchedule(message) };
}

function refusedError(refused: ScheduleRefused) {
  if (refused.kind === "faults") return scheduleInvalid(refused.faults);
  const { refusal } = refused;
  if (refusal.kind !== "parameter_faults") return targetError(refusal);
  return scheduleInvalid(
    refusal.faults.map((fault) => ({ ...fault, path: `pipeline.${fault.path}` })),
  );
}

/** The error of what a schedule should make. */
function targetError(refusal: TargetRefusal) {
  switch (refusal.kind) {
    case "job":
      return enqueueError(refusal.why);
    case "run":
      return runError(refusal.why);
    case "pipeline_not_found": {
      const { name, version } = refusal;
      return notFound("PIPELINE_NOT_FOUND", { name, ...(version > 0 && { version }) });
    }
    case "parameter_faults": {
      const violations = refusal.faults.map(({ path, description }) => ({
        field: path,
        description,
        reason: "PARAMETER_INVALID",
      }));
      return invalidArgument("PARAMETER_INVALID", violations);
    }
    case "window_series_not_found":
    case "no_window_due": {
      const { source, scope } = refusal;
      return failedPrecondition(refusal.kind.toUpperCase(), { source, scope });
    }
  }
}
