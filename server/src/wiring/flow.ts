import { admitJobs } from "../app/flow/admit-jobs.ts";
import { ArtifactRoom } from "../app/flow/artifact-room.ts";
import { FlowConfigs } from "../app/flow/config-cache.ts";
import { listChanges } from "../app/flow/list-changes.ts";
import { listSettings } from "../app/flow/list-settings.ts";
import { type ListStatesPorts, listStates } from "../app/flow/list-states.ts";
import { QueueDepths } from "../app/flow/queue-depths.ts";
import { pauseScope, resumeScope, updateSettings } from "../app/flow/settings.ts";
import { createSource, listSources, updateSource } from "../app/flow/sources.ts";
import type { NoticeBoard } from "../app/notices.ts";
import { listFlowChanges } from "../ledger/flow-changes.ts";
import {
  changeFlowSettings,
  listFlowSettings,
  readFlowConfig,
  readFlowSettings,
  readFlowVersions,
} from "../ledger/flow-settings.ts";
import { artifactBytesIn, countReadyIn, type PayloadQuota } from "../ledger/flow-usage.ts";
import type { LedgerPool } from "../ledger/pool.ts";
import { createSourceIn, findSourceIn, listSourcesIn, updateSourceIn } from "../ledger/sources.ts";
import { flowControlService } from "../rpc/flow-control-service.ts";
import { sourceService } from "../rpc/source-service.ts";

/** What flow control's services are made of. */
export interface FlowOptions extends ListStatesPorts {
  readonly pool: LedgerPool;
  readonly board: NoticeBoard;
}

/** Builds the cache of what claims and enqueues go by; start it, and stop it in the end. */
export const wireFlowConfigs = (
  { pool, board }: Pick<FlowOptions, "pool" | "board">,
  onError: (error: unknown) => void,
): FlowConfigs =>
  new FlowConfigs({
    read: readFlowConfig(pool),
    versions: readFlowVersions(pool),
    board,
    onError,
  });

/** What keeps writes within limits. */
export interface WriteLimits {
  readonly payloadQuota: PayloadQuota;
  readonly admit: ReturnType<typeof admitJobs>;
  readonly room: ArtifactRoom;
}

/** Builds what enqueues and uploads ask before they write. */
export function wireWriteLimits(pool: LedgerPool, configs: FlowConfigs): WriteLimits {
  const ensure = configs.ensure.bind(configs);
  const peek = configs.peek.bind(configs);
  const depths = new QueueDepths({ count: countReadyIn(pool), nowMs: () => performance.now() });
  return {
    payloadQuota: (tenant) => peek(tenant)?.settings.get("tenant:")?.quotas?.payloadBytesPerDay,
    admit: admitJobs({ peek, ensure, depths, now: Date.now }),
    room: new ArtifactRoom({ ensure, storedBytes: artifactBytesIn(pool) }),
  };
}

/** Builds SourceService and FlowControlService over their use cases. */
export function wireFlowServices({ pool, board, readStates }: FlowOptions) {
  const announce = (tenant: string) => board.publish({ kind: "flow", tenants: [tenant] });
  const change = { change: changeFlowSettings(pool), announce };
  return {
    source: sourceService({
      create: createSource({ create: createSourceIn(pool), announce }),
      find: findSourceIn(pool),
      list: listSources({ list: listSourcesIn(pool) }),
      update: updateSource({ update: updateSourceIn(pool), announce }),
    }),
    flowControl: flowControlService({
      read: readFlowSettings(pool),
      list: listSettings({ list: listFlowSettings(pool) }),
      update: updateSettings(change),
      pause: pauseScope(change),
      resume: resumeScope(change),
      changes: listChanges({ list: listFlowChanges(pool) }),
      states: listStates({ readStates }),
    }),
  };
}
