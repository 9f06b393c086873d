import { type BlackoutViolation, validateBlackout } from "../domain/flow/blackout.ts";
import type {
  Blackout,
  BreakerSetting,
  DynamicSetting,
  FlowScopeKind,
  FlowSettings,
  PauseSetting,
  QuotaSettings,
} from "../domain/flow/settings.ts";
import { misplacedFields } from "../domain/flow/settings.ts";
import type {
  Blackout as BlackoutMessage,
  BreakerSettings,
  DynamicConcurrency,
  FlowSettings as FlowSettingsMessage,
  PauseState,
  Quotas,
} from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { momentOf, msOf } from "./durations.ts";
import { type FieldViolation, invalidArgument } from "./errors.ts";

/**
 * Settings off the wire, without what is not set. Throws INVALID_ARGUMENT (REQUEST_INVALID) with
 * all that is wrong with them and that the contract's rules cannot say.
 */
export function readFlowSettings(kind: FlowScopeKind, message: FlowSettingsMessage): FlowSettings {
  const violations: FieldViolation[] = [];
  const { rate } = message;
  const settings: FlowSettings = defined({
    pause: message.pause && readPause(violations, message.pause),
    maxConcurrency: message.maxConcurrency,
    maxConcurrencyPerKey: message.maxConcurrencyPerKey,
    rate: rate && { perSecond: rate.perSecond, burst: rate.burst },
    breaker: message.breaker && readBreaker(message.breaker),
    blackouts: readBlackouts(violations, message.blackouts),
    weight: message.weight,
    quotas: message.quotas && readQuotas(violations, message.quotas),
    maxDepth: countOf(violations, "settings.max_depth", message.maxDepth),
    dynamicConcurrency:
      message.dynamicConcurrency && readDynamic(violations, message.dynamicConcurrency),
  });
  for (const field of misplacedFields(kind, settings)) {
    const description = `cannot be set on a ${kind.replaceAll("_", " ")}`;
    violations.push({ field: `settings.${snake(field)}`, description, reason: "WRONG_SCOPE" });
  }
  if (violations.length > 0) throw invalidArgument("REQUEST_INVALID", violations);
  return settings;
}

/** A pause off the wire; `violations` gets what no clock can hold. */
export function readPause(
  violations: FieldViolation[],
  { reason, expireTime }: Pick<PauseState, "reason" | "expireTime">,
  path = "settings.pause.",
): PauseSetting {
  const expiresAt = momentOf(violations, `${path}expire_time`, expireTime);
  return defined({ reason, expiresAtMs: expiresAt?.getTime() });
}

/** The same object without the fields that are undefined: what JSON would keep of it. */
function defined<T extends object>(
  fields: {
    readonly [K in keyof T]: T[K] | undefined;
  },
): T {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as unknown as T;
}

const snake = (field: string): string =>
  field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const readBreaker = (message: BreakerSettings): BreakerSetting =>
  defined({
    disabled: message.disabled,
    consecutiveFailures: message.consecutiveFailures || undefined,
    minSuccessRatio: message.minSuccessRatio || undefined,
    // Less than a millisecond is some time all the same.
    openMs: message.open && Math.max(1, msOf(message.open)),
  });

function readQuotas(violations: FieldViolation[], message: Quotas): QuotaSettings | undefined {
  const count = (field: string, value: bigint | undefined) =>
    countOf(violations, `settings.quotas.${field}`, value);
  const quotas: QuotaSettings = defined({
    activeJobs: message.activeJobs,
    jobsPerHour: count("jobs_per_hour", message.jobsPerHour),
    jobsPerDay: count("jobs_per_day", message.jobsPerDay),
    payloadBytesPerDay: count("payload_bytes_per_day", message.payloadBytesPerDay),
    artifactBytes: count("artifact_bytes", message.artifactBytes),
  });
  return Object.keys(quotas).length === 0 ? undefined : quotas;
}

function countOf(
  violations: FieldViolation[],
  field: string,
  value: bigint | undefined,
): number | undefined {
  if (value === undefined) return undefined;
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  const description = `must be at most ${Number.MAX_SAFE_INTEGER}`;
  violations.push({ field, description, reason: "RANGE" });
  return undefined;
}

/** No attempt is meant to take longer; a source's objective has the same bound. */
const LONGEST_LATENCY_MS = 7 * 86_400_000;

function readDynamic(violations: FieldViolation[], message: DynamicConcurrency): DynamicSetting {
  const min = message.min || 1;
  if (min > message.max) {
    const field = "settings.dynamic_concurrency.min";
    violations.push({ field, description: "must not be above max", reason: "RANGE" });
  }
  const latencyMs = message.latency && Math.max(1, msOf(message.latency));
  if (latencyMs !== undefined && latencyMs > LONGEST_LATENCY_MS) {
    const field = "settings.dynamic_concurrency.latency";
    violations.push({ field, description: "must be at most 7 days", reason: "RANGE" });
  }
  return defined({
    min,
    max: message.max,
    maxFailureRatio: message.maxFailureRatio || undefined,
    latencyMs,
  });
}

function readBlackouts(
  violations: FieldViolation[],
  messages: readonly BlackoutMessage[],
): readonly Blackout[] | undefined {
  if (messages.length === 0) return undefined;
  const names = new Set<string>();
  return messages.flatMap((message, index) => {
    const path = `settings.blackouts[${index}]`;
    if (names.has(message.name)) {
      const description = "another blackout of the scope has this name";
      violations.push({ field: `${path}.name`, description, reason: "DUPLICATE" });
    }
    names.add(message.name);
    return readBlackout(violations, path, message) ?? [];
  });
}

const BLACKOUT_FIELDS: Readonly<Record<BlackoutViolation["field"], string>> = {
  start: "once.start_time",
  end: "once.end_time",
  cron: "recurring.cron",
  time_zone: "recurring.time_zone",
  duration: "recurring.duration",
};

function readBlackout(
  violations: FieldViolation[],
  path: string,
  message: BlackoutMessage,
): Blackout | undefined {
  const { name, stopRunning, window } = message;
  if (window.case === "once") {
    const { startTime, endTime } = window.value;
    const start = momentOf(violations, `${path}.once.start_time`, startTime);
    const end = momentOf(violations, `${path}.once.end_time`, endTime);
    if (start === undefined || end === undefined) return undefined;
    const bounds = { startMs: start.getTime(), endMs: end.getTime() };
    return checked(violations, path, { kind: "once", ...bounds, name, stopRunning });
  }
  if (window.case !== "recurring") throw new Error("validation let an empty blackout through");
  const { cron, timeZone, duration } = window.value;
  const durationMs = duration === undefined ? 0 : Math.max(1, msOf(duration));
  const pattern = { cron, timeZone, durationMs };
  return checked(violations, path, { kind: "recurring", ...pattern, name, stopRunning });
}

function checked(violations: FieldViolation[], path: string, blackout: Blackout): Blackout {
  for (const { field, message } of validateBlackout(blackout)) {
    const at = `${path}.${BLACKOUT_FIELDS[field]}`;
    violations.push({ field: at, description: message, reason: "BLACKOUT" });
  }
  return blackout;
}
