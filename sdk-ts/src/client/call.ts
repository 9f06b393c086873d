import type { TraceContext } from "../trace-context.ts";
import type { Connection } from "./connection.ts";

/** What every call can be given. */
export interface CallOptions {
  /** Gives the call up. What was sent may still take effect. */
  readonly signal?: AbortSignal;
  /** Overrides the client's `timeoutMs` for this call. */
  readonly timeoutMs?: number;
}

/** Why somebody changes something, for the history. */
export interface ActionOptions extends CallOptions {
  /** For people. */
  readonly reason?: string;
  /** The ticket that asks for it. */
  readonly ticket?: string;
}

/** The part of a request that says why. */
export const whyOf = ({ reason = "", ticket = "" }: ActionOptions) => ({ reason, ticket });

/** How the groups of a client reach the server. */
export interface Caller {
  readonly connection: Connection;
  /** The `traceContext` option of the client. */
  readonly traceContext: (() => TraceContext | undefined) | undefined;
  /** Makes a call until it answers, fails for good, or runs out of time. */
  readonly call: <T>(options: CallOptions, call: (signal: AbortSignal) => Promise<T>) => Promise<T>;
}
