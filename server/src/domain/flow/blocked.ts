import type { BreakerPhase } from "./breaker.ts";
import type { FlowScope, QuotaSettings } from "./settings.ts";

/** What flow control holds a job back for. Moments are milliseconds since 1970. */
export type Blocked =
  | {
      readonly kind: "pause";
      readonly scope: FlowScope;
      readonly reason: string;
      /** Undefined: until somebody resumes it. */
      readonly untilMs: number | undefined;
    }
  | {
      readonly kind: "blackout";
      readonly scope: FlowScope;
      readonly name: string;
      readonly untilMs: number;
    }
  | {
      readonly kind: "quota";
      readonly quota: keyof QuotaSettings;
      readonly limit: number;
      readonly used: number;
      /** When it starts again; undefined: when others finish. */
      readonly untilMs: number | undefined;
    }
  | {
      readonly kind: "concurrency";
      readonly scope: FlowScope;
      readonly limit: number;
      readonly active: number;
      /** Whether the server lowered it by itself. */
      readonly dynamic: boolean;
    }
  | {
      readonly kind: "limiter";
      readonly scope: FlowScope;
      readonly ratePerSecond: number;
      readonly untilMs: number;
    }
  | {
      readonly kind: "breaker";
      readonly scope: FlowScope;
      readonly phase: BreakerPhase;
      readonly untilMs: number;
    };

/** When what holds a job back may be over, if that is a moment. */
export const blockedUntil = (blocked: Blocked): number | undefined =>
  blocked.kind === "concurrency" ? undefined : blocked.untilMs;

/** The same thing to wait for, for somebody who is told about changes only. */
export const sameBlock = (a: Blocked, b: Blocked): boolean =>
  a.kind === b.kind &&
  ("quota" in a && "quota" in b
    ? a.quota === b.quota
    : "scope" in a &&
      "scope" in b &&
      a.scope.kind === b.scope.kind &&
      a.scope.name === b.scope.name);
