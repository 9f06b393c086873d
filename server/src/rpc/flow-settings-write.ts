import { create, type MessageInitShape, toJsonString } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { etagOf } from "../app/flow/change.ts";
import type { StoredSettings } from "../app/flow/settings.ts";
import type { Blackout, FlowScope, FlowSettings, QuotaSettings } from "../domain/flow/settings.ts";
import {
  BlackoutSchema,
  type FlowSettings as FlowSettingsMessage,
  FlowSettingsSchema,
  QuotasSchema,
} from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { durationOfMs } from "./errors.ts";
import { scopeMessage } from "./flow-scope.ts";

/** The settings of a scope as the contract writes them. */
export const storedSettingsMessage = (stored: StoredSettings): FlowSettingsMessage =>
  create(FlowSettingsSchema, {
    ...settingsInit(stored.scope, stored.settings),
    etag: etagOf(stored.version),
    updateTime: stored.updatedAt && timestampFromDate(stored.updatedAt),
  });

/** Settings as ProtoJSON, for the history: what was said, without etag and time. */
export const settingsJson = (scope: FlowScope, settings: FlowSettings): string =>
  toJsonString(FlowSettingsSchema, create(FlowSettingsSchema, settingsInit(scope, settings)));

const durationIfSet = (ms: number | undefined) => (ms === undefined ? undefined : durationOfMs(ms));

const bigIfSet = (value: number | undefined) => (value === undefined ? undefined : BigInt(value));

function settingsInit(
  scope: FlowScope,
  settings: FlowSettings,
): MessageInitShape<typeof FlowSettingsSchema> {
  const { pause, breaker, quotas, dynamicConcurrency: dynamic } = settings;
  const expiresAtMs = pause?.expiresAtMs;
  return {
    scope: scopeMessage(scope),
    pause: pause && {
      reason: pause.reason,
      expireTime: expiresAtMs === undefined ? undefined : timestampFromMs(expiresAtMs),
    },
    maxConcurrency: settings.maxConcurrency,
    maxConcurrencyPerKey: settings.maxConcurrencyPerKey,
    rate: settings.rate && { ...settings.rate },
    breaker: breaker && { ...breaker, open: durationIfSet(breaker.openMs) },
    blackouts: settings.blackouts?.map(blackoutMessage) ?? [],
    weight: settings.weight,
    quotas: quotas && quotasMessage(quotas),
    maxDepth: bigIfSet(settings.maxDepth),
    dynamicConcurrency: dynamic && { ...dynamic, latency: durationIfSet(dynamic.latencyMs) },
  };
}

const quotasMessage = (quotas: QuotaSettings) =>
  create(QuotasSchema, {
    activeJobs: quotas.activeJobs,
    jobsPerHour: bigIfSet(quotas.jobsPerHour),
    jobsPerDay: bigIfSet(quotas.jobsPerDay),
    payloadBytesPerDay: bigIfSet(quotas.payloadBytesPerDay),
    artifactBytes: bigIfSet(quotas.artifactBytes),
  });

function blackoutMessage(blackout: Blackout) {
  const { name, stopRunning } = blackout;
  if (blackout.kind === "once") {
    const value = {
      startTime: timestampFromMs(blackout.startMs),
      endTime: timestampFromMs(blackout.endMs),
    };
    return create(BlackoutSchema, { name, stopRunning, window: { case: "once", value } });
  }
  const { cron, timeZone, durationMs } = blackout;
  const value = { cron, timeZone, duration: durationOfMs(durationMs) };
  return create(BlackoutSchema, { name, stopRunning, window: { case: "recurring", value } });
}
