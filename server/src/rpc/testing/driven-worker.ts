import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FailureSchema } from "../../gen/stellaops/orchestrator/v1/failure_pb.ts";
import { type Offer, WriteVerdict } from "../../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { leaseOf, type WorkerStream } from "./worker-stream.ts";

/** How an attempt ends: with this failure, or well. */
type Ending = MessageInitShape<typeof FailureSchema> | undefined;

/** How many jobs several workers have in their hands, counted by the workers themselves. */
export class Hands {
  /** Right now. */
  now = 0;
  /** The most there ever were at a time. */
  most = 0;
  /** All that came. */
  taken = 0;

  /** Jobs came. */
  take(jobs: number): void {
    this.now += jobs;
    this.taken += jobs;
    this.most = Math.max(this.most, this.now);
  }

  /** One is about to go. */
  let(): void {
    this.now -= 1;
  }
}

/**
 * Works on everything that a stream is offered, several at once, as an SDK's worker does: accepts,
 * waits for the answer, does `work`, says how it ended. Goes on until the stream ends.
 */
export async function drive(
  stream: WorkerStream,
  work: (offer: Offer) => Promise<Ending> | Ending,
  hands = new Hands(),
): Promise<void> {
  const offered = new Map<string, Offer>();
  const begin = async (offer: Offer) => {
    const failure = await work(offer);
    hands.let();
    const lease = leaseOf(offer);
    const completionId = randomUUID();
    if (failure === undefined) {
      stream.send({ case: "complete", value: { completions: [{ lease, completionId }] } });
    } else {
      stream.send({ case: "fail", value: { failures: [{ lease, completionId, failure }] } });
    }
  };
  for (let position = 0; ; position++) {
    const frame = (await stream.at(position))?.frame;
    if (frame === undefined) return;
    if (frame.case === "offers") {
      const { offers } = frame.value;
      hands.take(offers.length);
      const leases = offers.map(leaseOf);
      for (const offer of offers) offered.set(keyOf(leaseOf(offer)), offer);
      stream.send({ case: "accept", value: { leases } });
    } else if (frame.case === "results") {
      for (const result of frame.value.results) {
        const offer = offered.get(keyOf(result));
        offered.delete(keyOf(result));
        if (offer === undefined) continue;
        if (result.verdict === WriteVerdict.APPLIED) void begin(offer);
        else hands.let();
      }
    }
  }
}

const keyOf = ({ jobId, leaseEpoch }: { jobId: string; leaseEpoch: bigint }): string =>
  `${jobId}/${leaseEpoch}`;
