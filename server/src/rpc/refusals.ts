import type { ConnectError } from "@connectrpc/connect";
import type { QueueFull, QuotaExceeded } from "../app/flow/refusals.ts";
import { resourceExhausted } from "./errors.ts";

/** How the contract calls quotas, which is how Quotas calls its fields. */
const QUOTAS = {
  payloadBytesPerDay: "payload_bytes_per_day",
  artifactBytes: "artifact_bytes",
} as const;

/** RESOURCE_EXHAUSTED (QUEUE_FULL or QUOTA_EXCEEDED) with RetryInfo. */
export function refusalError(refusal: QueueFull | QuotaExceeded): ConnectError {
  const { retryAfterMs } = refusal;
  if (refusal.kind === "queue_full") {
    const { queue, maxDepth } = refusal;
    return resourceExhausted("QUEUE_FULL", { retryAfterMs, metadata: { queue, maxDepth } });
  }
  const { limit, used } = refusal;
  const metadata = { quota: QUOTAS[refusal.quota], limit, used };
  return resourceExhausted("QUOTA_EXCEEDED", { retryAfterMs, metadata });
}
