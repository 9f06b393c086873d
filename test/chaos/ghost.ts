import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { WriteVerdict } from "../../server/src/gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { type Clients, clientsOf } from "../../server/src/rpc/testing/clients.ts";
import type { FencedWrite } from "./history.ts";
import { readJournal } from "./journal.ts";
import { type Seeded, seeded } from "./seeded.ts";

/** A lease as a worker's journal has it. */
interface Haunt {
  readonly event: string;
  readonly tenant: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly leaseEpoch: number;
  readonly leaseToken: string;
}

const EVERY_MS = 150;
const TIMEOUT_MS = 3_000;
const REMEMBERED = 500;
const MOST = 5;

/**
 * Writes under leases whose job has a newer one: what a worker would do that slept through the
 * loss of its lease and does not ask. It reads the workers' journals for such leases.
 */
export class Ghost {
  readonly writes: FencedWrite[] = [];
  readonly #folder: string;
  readonly #clients: Clients;
  readonly #random: Seeded;
  readonly #read = new Map<string, number>();
  /** The newest lease of each job, and whether its handler still runs. */
  readonly #newest = new Map<string, { readonly lease: Haunt; isRunning: boolean }>();
  #stale: Haunt[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(folder: string, url: string, seed: number) {
    this.#folder = folder;
    this.#clients = clientsOf(url);
    this.#random = seeded(seed, "ghost");
  }

  start(): void {
    this.#timer = setTimeout(() => void this.#haunt(), EVERY_MS);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#clients.close();
  }

  async #haunt(): Promise<void> {
    this.#look();
    // Of a job that is over by now, nothing could be spoilt: those that still run come first.
    const live = this.#stale.filter(({ jobId }) => this.#newest.get(jobId)?.isRunning);
    const leases = [...live.slice(-MOST), ...(this.#stale.length > 0 ? [this.#any()] : [])];
    // A call that does not get through has written nothing that could be judged.
    await Promise.all(leases.map((lease) => this.#write(lease).catch(() => {})));
    if (!this.#isStopped) this.start();
  }

  #any(): Haunt {
    return this.#random.pick(this.#stale);
  }

  #look(): void {
    for (const name of readdirSync(this.#folder)) {
      if (!name.startsWith("worker-")) continue;
      const path = join(this.#folder, name);
      const { lines, bytes } = readJournal<Haunt>(path, this.#read.get(name) ?? 0);
      this.#read.set(name, bytes);
      for (const line of lines) this.#learn(line);
    }
    this.#stale = this.#stale.slice(-REMEMBERED);
  }

  #learn(lease: Haunt): void {
    const known = this.#newest.get(lease.jobId);
    if (lease.event !== "started") {
      if (known?.lease.leaseEpoch === lease.leaseEpoch) known.isRunning = false;
    } else if (known === undefined || lease.leaseEpoch > known.lease.leaseEpoch) {
      if (known !== undefined) this.#stale.push(known.lease);
      this.#newest.set(lease.jobId, { lease, isRunning: true });
    } else if (lease.leaseEpoch < known.lease.leaseEpoch) {
      this.#stale.push(lease);
    }
  }

  async #write(haunt: Haunt): Promise<void> {
    const { tenant, jobId, attempt, leaseEpoch, leaseToken } = haunt;
    const lease = { jobId, attempt, leaseEpoch: BigInt(leaseEpoch), leaseToken };
    const newestEpoch = this.#newest.get(jobId)?.lease.leaseEpoch ?? leaseEpoch;
    const completionId = randomUUID();
    const options = { headers: { "orch-tenant": tenant }, timeoutMs: TIMEOUT_MS };
    const { taskRunner } = this.#clients;
    const operation = this.#random.pick(["complete", "fail", "progress", "release"] as const);
    const calls = {
      complete: () =>
        taskRunner.completeAttempts({ completions: [{ lease, completionId }] }, options),
      fail: () =>
        taskRunner.failAttempts(
          { failures: [{ lease, completionId, failure: { message: "a ghost" } }] },
          options,
        ),
      progress: () =>
        taskRunner.reportProgress({ reports: [{ lease, progress: { fraction: 0.5 } }] }, options),
      release: () => taskRunner.releaseLeases({ releases: [{ lease }] }, options),
    };
    const { results } = await calls[operation]();
    const named = { tenant, jobId, leaseEpoch, newestEpoch, operation };
    const isEnd = operation === "complete" || operation === "fail";
    this.writes.push({
      ...named,
      verdict: nameOf(results[0]?.verdict),
      ...(isEnd ? { completionId } : {}),
    });
  }
}

function nameOf(verdict: WriteVerdict | undefined): FencedWrite["verdict"] {
  if (verdict === WriteVerdict.APPLIED) return "applied";
  if (verdict === WriteVerdict.ALREADY_APPLIED) return "already_applied";
  return verdict === WriteVerdict.STALE_LEASE ? "stale_lease" : "other";
}
