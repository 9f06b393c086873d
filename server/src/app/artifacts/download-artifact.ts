import type { Artifact } from "../../domain/artifact.ts";
import type { StoredArtifactPorts } from "./stored-artifact.ts";

/** What {@link downloadArtifact} needs. */
export interface DownloadPorts extends StoredArtifactPorts {
  /** The bytes from `offset` to the end, in chunks; nothing is opened before the first. */
  readonly read: (tenant: string, digest: string, offset: number) => AsyncIterable<Uint8Array>;
}

/** What a download can come to. */
export type DownloadResult =
  | {
      readonly kind: "found";
      readonly artifact: Artifact;
      readonly chunks: AsyncIterable<Uint8Array>;
    }
  | { readonly kind: "not_found" }
  | { readonly kind: "offset_beyond_end"; readonly sizeBytes: number }
  /** The ledger has the artifact, and its file is gone or cut short. */
  | { readonly kind: "bytes_missing" };

/** Opens an artifact for reading from `offset`. The bytes are not hashed again. */
export const downloadArtifact =
  (ports: DownloadPorts) =>
  async (tenant: string, digest: string, offset: number): Promise<DownloadResult> => {
    const artifact = await ports.find(tenant, digest);
    if (artifact === undefined) return { kind: "not_found" };
    const { sizeBytes } = artifact;
    if (offset > sizeBytes) return { kind: "offset_beyond_end", sizeBytes };
    if (!(await ports.holds(tenant, digest, sizeBytes))) return { kind: "bytes_missing" };
    return { kind: "found", artifact, chunks: ports.read(tenant, digest, offset) };
  };
