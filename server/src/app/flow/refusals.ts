/** A queue holds as many ready jobs as it may. */
export interface QueueFull {
  readonly kind: "queue_full";
  readonly queue: string;
  readonly maxDepth: number;
  readonly retryAfterMs: number;
}

/** A quota of the tenant is used up, or what is left of it is too little for this. */
export interface QuotaExceeded {
  readonly kind: "quota_exceeded";
  readonly quota: "payloadBytesPerDay" | "artifactBytes";
  /** In bytes. */
  readonly limit: number;
  readonly used: number;
  readonly retryAfterMs: number;
}
