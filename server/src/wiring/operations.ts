import { listDeadLetters } from "../app/dead-letters/list-dead-letters.ts";
import { listActions } from "../app/history/list-actions.ts";
import { announce } from "../app/notices.ts";
import { listOperationResults, listOperations } from "../app/operations/list-operations.ts";
import { dryRunOperation, startOperation } from "../app/operations/start-operation.ts";
import { groupDeadLettersIn, listDeadLettersIn, readDeadLetterIn } from "../ledger/dead-letters.ts";
import {
  findNextDueOperation,
  findTenantsWithDueOperations,
  jobSteps,
  StepFailed,
  takeStepIn,
} from "../ledger/operation-run.ts";
import { countTargetIn, runExistsIn } from "../ledger/operation-select.ts";
import type { StepAnswer } from "../ledger/operation-steps.ts";
import {
  createJobOperationIn,
  findOperationIn,
  findRequestedOperationIn,
  listOperationsIn,
  listResultsIn,
  stopOperationIn,
} from "../ledger/operations.ts";
import { listActionsIn } from "../ledger/operator-actions.ts";
import { newId } from "../lib/ids.ts";
import type { Loop } from "../lib/loop.ts";
import { operations } from "../loops/operations.ts";
import { deadLetterService } from "../rpc/dead-letter-service.ts";
import { historyService } from "../rpc/history-service.ts";
import { operationService } from "../rpc/operation-service.ts";
import type { Feature, FeatureOptions } from "./features.ts";
import { runSteps } from "./runs.ts";

/** Builds OperationService, DeadLetterService, HistoryService and the loop of operations. */
export function wireOperations(options: FeatureOptions): Feature {
  const { pool, board, policies, config } = options;
  const count = countTargetIn(pool);
  const runExists = runExistsIn(pool);
  const windowMs = (jobType: string) => policies.for(jobType).interruptionWindowMs;
  return {
    operation: operationService({
      start: startOperation({
        find: findRequestedOperationIn(pool),
        runExists,
        count,
        create: createJobOperationIn(pool),
        newId,
        onStarted: () => board.publish({ kind: "operation" }),
      }),
      dryRun: dryRunOperation({ runExists, count }),
      find: findOperationIn(pool),
      list: listOperations({ list: listOperationsIn(pool) }),
      results: listOperationResults({ list: listResultsIn(pool) }),
      stop: stopOperationIn(pool),
    }),
    deadLetter: deadLetterService({
      list: listDeadLetters({ list: listDeadLettersIn(pool) }),
      group: groupDeadLettersIn(pool),
      get: readDeadLetterIn(pool, windowMs),
      keptMs: config.deadLetterRetentionMs,
    }),
    history: historyService({ list: listActions({ list: listActionsIn(pool) }) }),
    loops: [operationsLoop(options)],
  };
}

function operationsLoop(options: FeatureOptions): Loop {
  const { pool, loopsPool, board, policies, limits, logger } = options;
  const { drainGraceMs } = policies.base;
  const steps = { ...jobSteps(drainGraceMs, limits.admit), ...runSteps({ policies }) };
  const take = takeStepIn(pool, steps);
  const working = operations({
    tenantsWithDue: findTenantsWithDueOperations(loopsPool),
    step: async (tenant, except) => {
      try {
        const answer = await take(tenant, except);
        if (answer === undefined) return "nothing";
        tell(answer);
        return "done";
      } catch (error) {
        if (!(error instanceof StepFailed)) throw error;
        return { failed: error.operationId, error };
      }
    },
    nextDueMs: findNextDueOperation(loopsPool),
    now: () => performance.now(),
    onError: (loop, err) => logger.warn({ loop, err }, "a tick failed"),
  });
  const tell = (answer: StepAnswer) => {
    announce(board, answer);
    const graceMs = answer.stopGraceMs ?? drainGraceMs;
    for (const stop of answer.stops) {
      board.publish({ kind: "stop", ...stop, reason: "user", graceMs });
    }
  };
  board.subscribe((notice) => {
    if (notice.kind === "operation") working.wake();
  });
  return working;
}
