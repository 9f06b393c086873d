import type { ServiceImpl } from "@connectrpc/connect";
import type { FoundLetter } from "../app/dead-letters/get-dead-letter.ts";
import type { LetterGroups } from "../app/dead-letters/group-dead-letters.ts";
import type { listDeadLetters } from "../app/dead-letters/list-dead-letters.ts";
import type { DeadLetterFilter } from "../domain/dead-letter.ts";
import type { DeadLetterService } from "../gen/stellaops/orchestrator/v1/dead_letter_pb.ts";
import { groupMessage, letterFilterOf, letterMessage } from "./dead-letter-message.ts";
import { notFound } from "./errors.ts";
import { actorOf } from "./interceptors/actor.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { attemptMessage, jobMessage } from "./job-view.ts";
import { pageTokenInvalid } from "./page-tokens.ts";

/** The use cases behind the service, and what else it needs. */
export interface DeadLetterPorts {
  readonly list: ReturnType<typeof listDeadLetters>;
  readonly group: (tenant: string, filter: DeadLetterFilter) => Promise<LetterGroups>;
  /** Reads a letter; with the payload if there is a reader, whose name the history keeps. */
  readonly get: (
    tenant: string,
    jobId: string,
    payloadReader: string | undefined,
  ) => Promise<FoundLetter | undefined>;
  /** How long letters are kept, in milliseconds. */
  readonly keptMs: number;
}

/** DeadLetterService: translates, and leaves the work to the use cases. */
export const deadLetterService = (
  ports: DeadLetterPorts,
): ServiceImpl<typeof DeadLetterService> => ({
  async listDeadLetters(request, context) {
    const filter = letterFilterOf(request.filter);
    const result = await ports.list(tenantOf(context), filter, request);
    if (result.kind !== "page") throw pageTokenInvalid();
    const deadLetters = result.items.map((letter) => letterMessage(letter, ports.keptMs));
    return { deadLetters, nextPageToken: result.nextPageToken };
  },

  async groupDeadLetters(request, context) {
    const found = await ports.group(tenantOf(context), letterFilterOf(request.filter));
    return { groups: found.groups.map(groupMessage), truncated: found.truncated };
  },

  async getDeadLetter(request, context) {
    const jobId = request.jobId.toLowerCase();
    const reader = request.includePayload ? actorOf(context) : undefined;
    const found = await ports.get(tenantOf(context), jobId, reader);
    if (found === undefined) throw notFound("DEAD_LETTER_NOT_FOUND", { jobId });
    return {
      deadLetter: letterMessage(found.letter, ports.keptMs),
      job: jobMessage(found.job),
      attempts: found.attempts.map(attemptMessage),
    };
  },
});
