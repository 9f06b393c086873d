import { create } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { DeadLetterFilter, DeadLetterGroup, DeadLetterView } from "../domain/dead-letter.ts";
import {
  type DeadLetter,
  type DeadLetterFilter as DeadLetterFilterMessage,
  type DeadLetterGroup as DeadLetterGroupMessage,
  DeadLetterGroupSchema,
  DeadLetterSchema,
} from "../gen/stellaops/orchestrator/v1/dead_letter_pb.ts";
import { momentOf } from "./durations.ts";
import { type FieldViolation, invalidArgument } from "./errors.ts";
import { failureClassOf } from "./failures.ts";
import { orUndefined, requireText } from "./job-read.ts";
import { failureClassMessage, failureMessage } from "./job-view.ts";

/** What a filter at `path` says; INVALID_ARGUMENT for what nothing can match. */
export function letterFilterOf(
  filter: DeadLetterFilterMessage | undefined,
  path = "filter",
): DeadLetterFilter {
  const violations: FieldViolation[] = [];
  requireText(violations, `${path}.job_types`, filter?.jobTypes ?? []);
  requireText(violations, `${path}.queue`, [filter?.queue]);
  requireText(violations, `${path}.source`, [filter?.source]);
  requireText(violations, `${path}.signature`, [filter?.signature]);
  const diedFrom = momentOf(violations, `${path}.died_from`, filter?.diedFrom);
  const diedBefore = momentOf(violations, `${path}.died_before`, filter?.diedBefore);
  if (violations.length > 0) throw invalidArgument("REQUEST_INVALID", violations);
  return {
    jobTypes: filter?.jobTypes ?? [],
    queue: orUndefined(filter?.queue ?? ""),
    source: orUndefined(filter?.source ?? ""),
    failureClasses: (filter?.failureClasses ?? []).flatMap((one) => failureClassOf(one) ?? []),
    signature: orUndefined(filter?.signature ?? ""),
    runId: orUndefined(filter?.runId ?? "")?.toLowerCase(),
    diedFrom,
    diedBefore,
  };
}

/** A dead letter as the contract writes it; it is kept for so long, in milliseconds. */
export const letterMessage = (letter: DeadLetterView, keptMs: number): DeadLetter =>
  create(DeadLetterSchema, {
    jobId: letter.jobId,
    jobType: letter.jobType,
    queue: letter.queue,
    source: letter.source,
    runId: letter.runId ?? "",
    failure: failureMessage(letter.failure),
    signature: letter.signature,
    pattern: letter.pattern,
    attempts: letter.attempts,
    dieTime: timestampFromDate(letter.diedAt),
    expireTime: timestampFromMs(letter.diedAt.getTime() + keptMs),
  });

/** A group as the contract writes it. */
export const groupMessage = (group: DeadLetterGroup): DeadLetterGroupMessage =>
  create(DeadLetterGroupSchema, {
    signature: group.signature,
    failureClass: failureClassMessage(group.failureClass),
    pattern: group.pattern,
    count: BigInt(group.count),
    jobTypes: [...group.jobTypes],
    firstTime: timestampFromDate(group.firstAt),
    lastTime: timestampFromDate(group.lastAt),
    sampleJobId: group.sampleJobId,
  });
