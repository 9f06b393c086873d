import { FlowScopeKind } from "../../server/src/gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import type { Clients } from "../../server/src/rpc/testing/clients.ts";
import type { Concurrent, EventRow, JobRow, Limited } from "./history.ts";

/** Jobs with this key run two at a time, in each tenant. */
export const SCARCE_KEY = "scarce";
/** Jobs of this source are handed out at a rate, in each tenant. */
export const SLOW_SOURCE = "slow.example";

const MOST_AT_ONCE = 2;
const PER_SECOND = 2;
const BURST = 4;
/**
 * A token is taken before the claim, and the claim is written when Postgres lets it: so many
 * seconds' worth may come late and together with the next. The longest stop of a server or of
 * Postgres, and the time to come back.
 */
const LATE_SECONDS = 7;

/** Sets the limits of a run, by the server's own API. */
export async function setLimits(clients: Clients, tenants: readonly string[]): Promise<void> {
  for (const tenant of tenants) {
    const options = { headers: { "orch-tenant": tenant } };
    const key = { kind: FlowScopeKind.CONCURRENCY_KEY, name: SCARCE_KEY };
    const source = { kind: FlowScopeKind.SOURCE, name: SLOW_SOURCE };
    const rate = { perSecond: PER_SECOND, burst: BURST };
    const limits = [
      { scope: key, maxConcurrency: MOST_AT_ONCE },
      { scope: source, rate },
    ];
    for (const settings of limits) {
      await clients.flow.updateFlowSettings({ settings, reason: "chaos" }, options);
    }
  }
}

/** What the limits let through, by the ledger's history. */
export function limitsIn(
  jobs: readonly JobRow[],
  events: readonly EventRow[],
  tenants: readonly string[],
): { readonly limited: Limited[]; readonly concurrent: Concurrent[] } {
  const idsOf = (tenant: string, isMeant: (job: JobRow) => boolean) =>
    new Set(jobs.filter((job) => job.tenant === tenant && isMeant(job)).map(({ id }) => id));
  return {
    limited: tenants.map((tenant) => ({
      limiter: `${SLOW_SOURCE} of ${tenant}`,
      rate: PER_SECOND,
      burst: BURST + PER_SECOND * LATE_SECONDS,
      admittedMs: heldSpans(
        events,
        idsOf(tenant, ({ source }) => source === SLOW_SOURCE),
      )
        // An offer that went back costs nothing: its token goes back with it.
        .filter(({ end }) => end !== "offer_returned")
        .map(({ fromMs }) => fromMs),
    })),
    concurrent: tenants.map((tenant) => ({
      limit: `${SCARCE_KEY} of ${tenant}`,
      most: MOST_AT_ONCE,
      spans: heldSpans(
        events,
        idsOf(tenant, ({ concurrencyKey }) => concurrencyKey === SCARCE_KEY),
      ),
    })),
  };
}

interface Span {
  readonly jobId: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly end: string | undefined;
}

/**
 * When jobs had a lease: from the claim's event to the one that took the lease away. Both are
 * written before their commits, and a claim that takes a freed slot begins after the other's
 * commit, so spans that overlap overlapped.
 */
function heldSpans(events: readonly EventRow[], ids: ReadonlySet<string>): Span[] {
  const spans: Span[] = [];
  const open = new Map<string, number>();
  for (const { jobId, kind, fromState, toState, atMs } of events) {
    if (!ids.has(jobId)) continue;
    const isHeld = toState === "offered" || toState === "running";
    const fromMs = open.get(jobId);
    if (isHeld && fromMs === undefined) open.set(jobId, atMs);
    else if (!isHeld && fromMs !== undefined && fromState !== "ready") {
      spans.push({ jobId, fromMs, toMs: atMs, end: kind });
      open.delete(jobId);
    }
  }
  const still = [...open].map(([jobId, fromMs]) => ({
    jobId,
    fromMs,
    toMs: Number.MAX_SAFE_INTEGER,
    end: undefined,
  }));
  return [...spans, ...still];
}
