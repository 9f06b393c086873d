import type { Logger } from "pino";
import type { LeaseRef, WriteVerdict } from "../domain/lease.ts";
import type { Offer } from "../domain/offer.ts";

/** Lines about single jobs, at level debug: there are several per job. Never their payloads. */
export interface JobLog {
  readonly handedOut: (workerId: string, offers: readonly Offer[]) => void;
  readonly written: (
    write: "accept" | "complete" | "end",
    leases: readonly LeaseRef[],
    verdicts: readonly (WriteVerdict | string)[],
  ) => void;
}

/** Makes the log of single jobs; it costs nothing when the level is above debug. */
export const jobLog = (logger: Logger): JobLog => ({
  handedOut(workerId, offers) {
    if (!logger.isLevelEnabled("debug")) return;
    for (const { lease, spec } of offers) {
      const { jobType, correlationId } = spec;
      logger.debug({ ...facts(lease), jobType, correlationId, workerId }, "handed out");
    }
  },

  written(write, leases, verdicts) {
    if (!logger.isLevelEnabled("debug")) return;
    leases.forEach((lease, index) => {
      const verdict = verdicts[index];
      const outcome = typeof verdict === "object" ? verdict : { kind: verdict };
      logger.debug(
        { ...facts(lease), write, verdict: outcome.kind, ...stateOf(outcome) },
        "written",
      );
    });
  },
});

const facts = ({ tenant, jobId, attempt, leaseEpoch }: LeaseRef) => ({
  tenant,
  jobId,
  attempt,
  leaseEpoch,
});

const stateOf = (outcome: object) => ("state" in outcome ? { state: outcome.state } : {});
