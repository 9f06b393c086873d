/** How large a job's payload is, in bytes of JSON. */
export const PAYLOAD_BYTES = 256;

/** The input of every job of the benchmarks: when it was meant to be sent, and padding. */
export interface BenchPayload {
  /** Microseconds on the clock that the processes of one machine share; 0: nobody asks. */
  readonly t: number;
  readonly pad: string;
}

/** A payload of {@link PAYLOAD_BYTES} bytes as JSON. */
export function payloadOf(t: number): BenchPayload {
  const without = JSON.stringify({ t, pad: "" }).length;
  return { t, pad: "x".repeat(Math.max(0, PAYLOAD_BYTES - without)) };
}
