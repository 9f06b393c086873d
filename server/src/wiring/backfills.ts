import { createBackfill } from "../app/backfills/create-backfill.ts";
import { listBackfills, listBackfillWindows } from "../app/backfills/list-backfills.ts";
import { previewBackfill } from "../app/backfills/preview-backfill.ts";
import { workBackfills } from "../app/backfills/work-backfills.ts";
import { announce } from "../app/notices.ts";
import { listGaps, listWatermarks } from "../app/watermarks/watermarks.ts";
import { backfillFactsIn } from "../ledger/backfill-preview.ts";
import {
  findTenantsWithBackfills,
  findUnfinishedBackfills,
  stepBackfillIn,
} from "../ledger/backfill-step.ts";
import {
  createBackfillIn,
  listBackfillsIn,
  listBackfillWindowsIn,
  moveBackfillIn,
  readBackfillIn,
} from "../ledger/backfills.ts";
import { readFlowSettings } from "../ledger/flow-settings.ts";
import { cancelJobsIn } from "../ledger/operate.ts";
import { findSourceIn } from "../ledger/sources.ts";
import {
  findGapsIn,
  listWatermarksIn,
  putSeriesIn,
  readLagIn,
  readWatermarkIn,
} from "../ledger/watermarks.ts";
import { jittered, loop } from "../lib/loop.ts";
import { backfillService } from "../rpc/backfill-service.ts";
import { watermarkService } from "../rpc/watermark-service.ts";
import type { Feature, FeatureOptions } from "./features.ts";

/** Builds WatermarkService, BackfillService and the loop that moves backfills on. */
export function wireBackfills(options: FeatureOptions): Feature {
  const { pool, policies } = options;
  const worker = wireWorker(options);
  const findSource = findSourceIn(pool);
  const read = readBackfillIn(pool);
  const move = moveBackfillIn(pool);
  return {
    watermark: watermarkService({
      put: putSeriesIn(pool),
      read: readWatermarkIn(pool),
      list: listWatermarks({ list: listWatermarksIn(pool) }),
      gaps: listGaps({ find: findGapsIn(pool) }),
    }),
    backfill: backfillService({
      preview: previewBackfill({
        facts: backfillFactsIn(pool),
        settings: readFlowSettings(pool),
        hostOf: async (tenant, source) =>
          (await findSource(tenant, source))?.properties.host ?? source,
      }),
      create: createBackfill({
        store: createBackfillIn(pool),
        started: worker.wake,
        maxPayloadBytes: policies.base.maxPayloadBytes,
      }),
      read,
      list: listBackfills({ list: listBackfillsIn(pool) }),
      windows: listBackfillWindows({ read, list: listBackfillWindowsIn(pool) }),
      move: async (...asked) => {
        const moved = await move(...asked);
        worker.wake();
        return moved;
      },
    }),
    loops: [worker, watchLag(options)],
  };
}

/** How often the lag of watermarks is looked up, in milliseconds: it reads every series. */
const LAG_EVERY_MS = 15_000;

function watchLag({ loopsPool, metrics, logger }: FeatureOptions) {
  const read = readLagIn(loopsPool);
  return loop({
    name: "watermark_lag",
    tick: async () => {
      try {
        metrics.watermarks(await read());
      } catch (error) {
        metrics.watermarks(undefined);
        throw error;
      }
      return jittered(LAG_EVERY_MS, Math.random());
    },
    restAfterErrorMs: LAG_EVERY_MS,
    onError: (name, err) => logger.warn({ loop: name, err }, "a tick failed"),
  });
}

function wireWorker(options: FeatureOptions) {
  const { pool, loopsPool, board, policies, limits, metrics, logger } = options;
  const { idempotencyRetentionMs, drainGraceMs } = policies.base;
  const { admit, payloadQuota } = limits;
  const cancel = cancelJobsIn(pool);
  const worker = workBackfills({
    tenants: findTenantsWithBackfills(loopsPool),
    unfinished: findUnfinishedBackfills(pool),
    step: stepBackfillIn(pool, { idempotencyRetentionMs, payloadQuota, admit }),
    cancel: async (tenant, jobIds) => {
      const answer = await cancel(tenant, jobIds, "its backfill was cancelled", drainGraceMs);
      announce(board, answer);
      for (const stop of answer.stops) {
        board.publish({ kind: "stop", ...stop, reason: "user", graceMs: drainGraceMs });
      }
    },
    stepped: (step) => {
      announce(board, step);
      if (step.created > 0) metrics.enqueued(step.created);
    },
    nowMs: () => performance.now(),
    random: Math.random,
    onError: (loop, err) => logger.warn({ loop, err }, "a tick failed"),
  });
  board.subscribe((notice) => {
    if (notice.kind === "changed") worker.changed(notice.tenants);
  });
  return worker;
}
