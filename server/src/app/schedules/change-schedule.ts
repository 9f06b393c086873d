import type { PlanFault } from "../../domain/plan/fault.ts";
import { type Schedule, scheduleFaults } from "../../domain/plan/schedule.ts";
import { readSchedule } from "../../domain/plan/schedule-content.ts";
import type { Audit } from "../audit.ts";
import { etagOf } from "../flow/change.ts";
import type { StoredSchedule, TargetRefusal } from "./stored-schedule.ts";

/** Why a schedule cannot be what somebody wants it to be. */
export type ScheduleRefused =
  | { readonly kind: "faults"; readonly faults: readonly PlanFault[] }
  | { readonly kind: "refused"; readonly refusal: TargetRefusal };

/** What became of a schedule that was to be made. */
export type CreateScheduleResult =
  | { readonly kind: "created" | "existing"; readonly schedule: StoredSchedule }
  | { readonly kind: "exists" }
  | ScheduleRefused;

/** What became of a change. */
export type UpdateScheduleResult =
  | { readonly kind: "updated"; readonly schedule: StoredSchedule }
  | { readonly kind: "not_found" }
  | { readonly kind: "etag_mismatch" }
  | ScheduleRefused;

/** What is to become of a schedule, in the eyes of what it is. */
export type ScheduleDecision =
  | { readonly kind: "write"; readonly schedule: Schedule }
  | { readonly kind: "etag_mismatch" }
  | ScheduleRefused;

/** What changing schedules needs. All of it is written with its line of history, or not at all. */
export interface ChangeSchedulePorts {
  readonly create: (
    tenant: string,
    name: string,
    schedule: Schedule,
    audit: Audit,
  ) => Promise<CreateScheduleResult>;
  /** Decides and writes in one transaction; `decide` may be asked more than once. */
  readonly update: (
    tenant: string,
    name: string,
    audit: Audit,
    decide: (before: StoredSchedule) => ScheduleDecision,
  ) => Promise<UpdateScheduleResult>;
  readonly maxPayloadBytes: number;
}

/** Makes a schedule. */
export const createSchedule =
  (ports: Pick<ChangeSchedulePorts, "create" | "maxPayloadBytes">) =>
  async (
    tenant: string,
    name: string,
    schedule: Schedule,
    audit: Audit,
  ): Promise<CreateScheduleResult> => {
    const faults = scheduleFaults(schedule, ports.maxPayloadBytes);
    if (faults.length > 0) return { kind: "faults", faults };
    return ports.create(tenant, name, schedule, audit);
  };

/** Changes what `change` names about a schedule; with an etag only if it is the current one. */
export const updateSchedule =
  (ports: Pick<ChangeSchedulePorts, "update" | "maxPayloadBytes">) =>
  (
    tenant: string,
    name: string,
    change: Partial<Schedule>,
    etag: string,
    audit: Audit,
  ): Promise<UpdateScheduleResult> =>
    ports.update(tenant, name, audit, (before) => {
      if (etag !== "" && etag !== etagOf(before.version)) return { kind: "etag_mismatch" };
      const schedule = { ...readSchedule(before.content), ...change };
      const faults = scheduleFaults(schedule, ports.maxPayloadBytes);
      return faults.length > 0 ? { kind: "faults", faults } : { kind: "write", schedule };
    });
