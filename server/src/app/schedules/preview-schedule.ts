import { setImmediate } from "node:timers/promises";
import type { PlanFault } from "../../domain/plan/fault.ts";
import {
  fireTime,
  newestDueWindow,
  plannedFirings,
  type Schedule,
  scheduleFaults,
  seedOf,
  type WindowGrid,
} from "../../domain/plan/schedule.ts";
import { readSchedule } from "../../domain/plan/schedule-content.ts";
import type { EventWindow } from "../../domain/plan/windows.ts";
import type { StoredSchedule } from "./stored-schedule.ts";

/** A firing to come. */
export interface PlannedFiring {
  readonly nominal: Date;
  readonly fireAt: Date;
  /** Of the job's source; undefined: it declares none, or none is due by then. */
  readonly window: (EventWindow & { readonly scope: string }) | undefined;
}

/** What a schedule is going to do. */
export type PreviewResult =
  | {
      readonly kind: "planned";
      readonly schedule: Schedule;
      readonly firings: readonly PlannedFiring[];
    }
  | { readonly kind: "faults"; readonly faults: readonly PlanFault[] }
  | { readonly kind: "not_found" };

/** What {@link previewSchedule} needs. */
export interface PreviewPorts {
  readonly find: (tenant: string, name: string) => Promise<StoredSchedule | undefined>;
  /** How the windows of a source and scope lie; undefined: nobody declared them. */
  readonly grid: (tenant: string, source: string, scope: string) => Promise<WindowGrid | undefined>;
  /** The ledger's clock, which schedules fire by. */
  readonly now: () => Promise<Date>;
  readonly maxPayloadBytes: number;
}

/** A schedule by its name alone, or one that is described. */
export interface PreviewOf {
  readonly name: string;
  readonly described: Schedule | undefined;
}

const DEFAULT_COUNT = 10;

/** Says when a schedule fires from a moment on, as if it were not paused. */
export const previewSchedule =
  (ports: PreviewPorts) =>
  async (
    tenant: string,
    { name, described }: PreviewOf,
    from: Date | undefined,
    count: number,
  ): Promise<PreviewResult> => {
    const schedule = described ?? (await stored(ports, tenant, name));
    if (schedule === undefined) return { kind: "not_found" };
    const faults = scheduleFaults(schedule, ports.maxPayloadBytes);
    if (faults.length > 0) return { kind: "faults", faults };
    const { target, windowScope: scope } = schedule;
    const grid =
      scope === undefined || target.kind !== "job"
        ? undefined
        : await ports.grid(tenant, target.spec.source, scope);
    const seed = seedOf(tenant, name);
    const firings: PlannedFiring[] = [];
    const begin = from ?? (await ports.now());
    for (const nominal of plannedFirings(schedule, begin, count || DEFAULT_COUNT)) {
      const window = grid && newestDueWindow(grid, nominal);
      firings.push({
        nominal,
        fireAt: fireTime(schedule, seed, nominal),
        window: window && { ...window, scope: scope ?? "" },
      });
      // Leases must not wait for somebody's leap days.
      await setImmediate();
    }
    return { kind: "planned", schedule, firings };
  };

async function stored(ports: PreviewPorts, tenant: string, name: string) {
  const found = await ports.find(tenant, name);
  return found && readSchedule(found.content);
}
