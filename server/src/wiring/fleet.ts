import { Capabilities } from "../app/fleet/capabilities.ts";
import { listTaskRunners } from "../app/fleet/list-task-runners.ts";
import { leaseMover, moveLeases } from "../app/fleet/move-leases.ts";
import { takeOut } from "../app/fleet/take-out.ts";
import { announce } from "../app/notices.ts";
import { type StuckWorkPorts, stuckWorkLoop } from "../app/stuck/stuck-work.ts";
import {
  removeCapabilitiesIn,
  removeStaleCapabilitiesIn,
  writeCapabilitiesIn,
} from "../ledger/capabilities.ts";
import { listTaskRunnersIn, selectedRunnersIn } from "../ledger/fleet.ts";
import { readFlowConfig } from "../ledger/flow-settings.ts";
import {
  announceHeldIn,
  countStuckIn,
  findKnownTenants,
  forgetHeldIn,
  lookAtLanesIn,
} from "../ledger/stuck.ts";
import {
  findMoves,
  findTenantsWithMoves,
  listTakeOutsIn,
  movedSoFar,
  moveLeasesIn,
  putBackIn,
  storeTakeOutIn,
} from "../ledger/take-out.ts";
import type { Loop } from "../lib/loop.ts";
import { fleetService } from "../rpc/fleet-service.ts";
import type { Feature, FeatureOptions } from "./features.ts";
import { decideBy } from "./store.ts";

/** Builds FleetService, what tells replicas of each other's workers, and the stuck reaper. */
export function wireFleet(options: FeatureOptions): Feature {
  const { pool, loopsPool, board, policies } = options;
  const onError = (loop: string, err: unknown) =>
    options.logger.warn({ loop, err }, "a tick failed");
  const move = moveLeases({ step: movingStep(options) });
  const mover = leaseMover({
    tenants: findTenantsWithMoves(loopsPool),
    takeOuts: findMoves(pool),
    move,
    random: Math.random,
    onError,
  });
  const changed = (tenant: string) => board.publish({ kind: "flow", tenants: [tenant] });
  const putBack = putBackIn(pool);
  const moved = movedSoFar(pool);
  const fleet = fleetService({
    listTaskRunners: listTaskRunners({ list: listTaskRunnersIn(pool) }),
    takeOut: takeOut({
      store: storeTakeOutIn(pool),
      selected: selectedRunnersIn(pool),
      move: async (tenant, id) => {
        await move(tenant, id);
        mover.wake();
        return moved(tenant, id);
      },
      announce: changed,
      drainGraceMs: policies.base.drainGraceMs,
    }),
    putBack: async (tenant, id, audit) => {
      const result = await putBack(tenant, id, audit);
      changed(tenant);
      return result;
    },
    listTakeOuts: listTakeOutsIn(pool),
  });
  return { fleet, loops: [mover, capabilityLoop(options, onError), stuckLoop(options, onError)] };
}

/** Moves a page of leases in the ledger, tells those who hold them, and everybody else. */
function movingStep({ pool, board, policies, flow }: FeatureOptions) {
  const step = moveLeasesIn(pool, decideBy(policies));
  return async (tenant: string, id: string, afterJob: string) => {
    const moved = await step(tenant, id, afterJob);
    if (moved === undefined) return undefined;
    announce(board, moved);
    flow.ended(moved.outcomes);
    const { graceMs } = moved;
    for (const stop of moved.stops) {
      board.publish({ kind: "stop", ...stop, reason: "preempted", graceMs });
    }
    return moved;
  };
}

type OnError = (loop: string, error: unknown) => void;

function capabilityLoop(options: FeatureOptions, onError: OnError): Loop {
  const { pool, loopsPool, serverId } = options;
  const { dispatcher } = options.bridge;
  const capabilities = new Capabilities({
    workers: () => dispatcher.tenants.map((tenant) => dispatcher.able(tenant)),
    arrivals: () => dispatcher.arrivals,
    write: writeCapabilitiesIn(pool, serverId),
    remove: removeCapabilitiesIn(pool, serverId),
    removeStale: removeStaleCapabilitiesIn(loopsPool),
    onError,
    nowMs: () => performance.now(),
  });
  return {
    ...capabilities.loop,
    stop: async () => {
      await capabilities.loop.stop();
      // Others find out by themselves if the ledger is away.
      await capabilities.withdraw().catch((error: unknown) => onError("capabilities", error));
    },
  };
}

function stuckLoop(options: FeatureOptions, onError: OnError): Loop {
  const { pool, board, metrics, logger } = options;
  const { stuckAfterMs } = options.config;
  const ports: StuckWorkPorts = {
    tenants: findKnownTenants(options.loopsPool),
    lanes: lookAtLanesIn(pool, readFlowConfig(pool), stuckAfterMs),
    blocked: announceHeldIn(pool),
    forget: forgetHeldIn(pool),
    counts: countStuckIn(pool),
    onStuck: (tenant, lanes, jobs) => {
      for (const lane of lanes) logger.warn({ tenant, ...lane }, "ready jobs wait in vain");
      if (jobs.length > 0) {
        const some = jobs.slice(0, LOGGED_JOBS);
        logger.warn({ tenant, count: jobs.length, jobIds: some }, "blocked jobs are held");
      }
      announce(board, { changed: [tenant], lanes: [], scheduled: false });
    },
    onCounts: metrics.stuck,
    random: Math.random,
    onError,
  };
  return stuckWorkLoop(ports, stuckAfterMs);
}

/** Jobs that one line of the log names. */
const LOGGED_JOBS = 10;
