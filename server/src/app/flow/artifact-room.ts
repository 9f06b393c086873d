import type { FlowConfig } from "../../domain/flow/settings.ts";
import type { QuotaExceeded } from "./refusals.ts";

/** What {@link ArtifactRoom} needs. */
export interface ArtifactRoomPorts {
  readonly ensure: (tenant: string) => Promise<FlowConfig>;
  /** How many bytes of artifacts a tenant has. */
  readonly storedBytes: (tenant: string) => Promise<number>;
}

/** Room for an artifact. */
export interface ReservedRoom {
  readonly kind: "reserved";
  /** Call it once, when the artifact is stored or the upload has ended otherwise. */
  readonly release: () => void;
}

/** Room comes back only when somebody raises the quota: there is no hurry to look again. */
const RETRY_MS = 60_000;

const UNLIMITED: ReservedRoom = { kind: "reserved", release: () => {} };

/**
 * Keeps tenants within their quota of artifact bytes: what is stored, and what is on its way
 * through this replica by the sizes that uploads declare. Only tenants with the quota are summed.
 */
export class ArtifactRoom {
  readonly #ports: ArtifactRoomPorts;
  readonly #underWay = new Map<string, number>();

  constructor(ports: ArtifactRoomPorts) {
    this.#ports = ports;
  }

  /** Reserves room for `bytes`, or says why there is none. */
  async reserve(tenant: string, bytes: number): Promise<ReservedRoom | QuotaExceeded> {
    const config = await this.#ports.ensure(tenant);
    const limit = config.settings.get("tenant:")?.quotas?.artifactBytes;
    if (limit === undefined) return UNLIMITED;
    // Before the sum: whoever comes between sees this one.
    const others = this.#underWay.get(tenant) ?? 0;
    this.#add(tenant, bytes);
    const release = () => this.#add(tenant, -bytes);
    try {
      const used = (await this.#ports.storedBytes(tenant)) + others;
      if (used + bytes <= limit) return { kind: "reserved", release };
      release();
      const retryAfterMs = RETRY_MS;
      return { kind: "quota_exceeded", quota: "artifactBytes", limit, used, retryAfterMs };
    } catch (error) {
      release();
      throw error;
    }
  }

  #add(tenant: string, bytes: number): void {
    const sum = (this.#underWay.get(tenant) ?? 0) + bytes;
    if (sum === 0) this.#underWay.delete(tenant);
    else this.#underWay.set(tenant, sum);
  }
}
