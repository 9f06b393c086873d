import type { FlowConfig } from "../../domain/flow/settings.ts";
import { Emitter } from "../../lib/emitter.ts";
import { type Loop, loop } from "../../lib/loop.ts";
import type { NoticeBoard } from "../notices.ts";

/** What {@link FlowConfigs} needs. */
export interface FlowConfigPorts {
  readonly read: (tenant: string) => Promise<FlowConfig>;
  /** The tenants' versions; one that is left out stands at 0. */
  readonly versions: (tenants: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  readonly board: Pick<NoticeBoard, "subscribe">;
  readonly onError: (error: unknown) => void;
}

/** How often versions are compared, in milliseconds: changes apply within twice that. */
const POLL_MS = 1_000;

/** Tenants that are kept. Each costs some hundred bytes, and a share of the poll. */
const MAX_TENANTS = 10_000;

interface Entry {
  config: FlowConfig | undefined;
  loading: Promise<FlowConfig> | undefined;
  /** What is being read may be older than a change that is known of. */
  outdated: boolean;
}

/**
 * What flow control goes by, of the tenants that were seen last. Knows of a change at once where a
 * notice comes, and by comparing versions within a second where none does. While the ledger cannot
 * be reached it goes on with what it has.
 */
export class FlowConfigs {
  readonly #ports: FlowConfigPorts;
  readonly #maxTenants: number;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #changed = new Emitter<FlowConfig>();
  readonly #comparing: Loop;
  #unsubscribe = () => {};

  constructor(ports: FlowConfigPorts, maxTenants = MAX_TENANTS) {
    this.#ports = ports;
    this.#maxTenants = maxTenants;
    this.#comparing = loop({
      name: "flow settings",
      restAfterErrorMs: POLL_MS,
      onError: (_name, error) => ports.onError(error),
      tick: async () => {
        await this.refresh();
        return POLL_MS;
      },
    });
  }

  /** What is known of a tenant without asking the ledger; undefined before {@link ensure}. */
  peek(tenant: string): FlowConfig | undefined {
    return this.#touch(tenant)?.config;
  }

  /** The same, read if need be. Fails if it must be read and the ledger cannot be reached. */
  async ensure(tenant: string): Promise<FlowConfig> {
    const entry = this.#touch(tenant) ?? this.#add(tenant);
    return entry.config ?? this.#load(tenant, entry);
  }

  /** Calls `listener` for every configuration that was read anew; returns what ends that. */
  subscribe(listener: (config: FlowConfig) => void): () => void {
    return this.#changed.subscribe(listener);
  }

  /** Compares the versions of all tenants that are kept, and reads again what has changed. */
  async refresh(): Promise<void> {
    const known = [...this.#entries].filter(([, { config }]) => config !== undefined);
    if (known.length === 0) return;
    const versions = await this.#ports.versions(known.map(([tenant]) => tenant));
    const reads = known.map(async ([tenant, entry]) => {
      const version = versions.get(tenant) ?? 0;
      if ((entry.config?.version ?? 0) < version) await this.#load(tenant, entry);
    });
    await Promise.all(reads);
  }

  /** Begins to listen and to compare. */
  start(): void {
    this.#unsubscribe = this.#ports.board.subscribe((notice) => {
      if (notice.kind === "flow") for (const tenant of notice.tenants) this.#reload(tenant);
    });
    this.#comparing.start();
  }

  /** Ends that, after the look that is under way. May be called more than once. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#comparing.stop();
  }

  #reload(tenant: string): void {
    const entry = this.#entries.get(tenant);
    if (entry === undefined) return;
    entry.outdated = true;
    this.#load(tenant, entry).catch(this.#ports.onError);
  }

  #load(tenant: string, entry: Entry): Promise<FlowConfig> {
    entry.loading ??= this.#read(tenant, entry).finally(() => {
      entry.loading = undefined;
    });
    return entry.loading;
  }

  async #read(tenant: string, entry: Entry): Promise<FlowConfig> {
    for (;;) {
      entry.outdated = false;
      const config = await this.#ports.read(tenant);
      if (entry.outdated) continue;
      const before = entry.config;
      entry.config = config;
      if (before === undefined || before.version !== config.version) this.#changed.emit(config);
      return config;
    }
  }

  #touch(tenant: string): Entry | undefined {
    const entry = this.#entries.get(tenant);
    if (entry === undefined) return undefined;
    this.#entries.delete(tenant);
    this.#entries.set(tenant, entry);
    return entry;
  }

  #add(tenant: string): Entry {
    const entry: Entry = { config: undefined, loading: undefined, outdated: false };
    this.#entries.set(tenant, entry);
    if (this.#entries.size > this.#maxTenants) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    return entry;
  }
}
