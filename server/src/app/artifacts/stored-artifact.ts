import type { Artifact } from "../../domain/artifact.ts";

/** What it takes to tell whether a tenant has an artifact. */
export interface StoredArtifactPorts {
  /** The ledger's row. */
  readonly find: (tenant: string, digest: string) => Promise<Artifact | undefined>;
  /** Whether all the bytes are in place. */
  readonly holds: (tenant: string, digest: string, sizeBytes: number) => Promise<boolean>;
}

/**
 * The artifact if the tenant has it: its row and all its bytes. The row is written after the
 * bytes are durable, so they part only when somebody removes files; then the artifact counts as
 * missing, and uploading it again repairs it.
 */
export async function storedArtifact(
  ports: StoredArtifactPorts,
  tenant: string,
  digest: string,
): Promise<Artifact | undefined> {
  const artifact = await ports.find(tenant, digest);
  if (artifact === undefined) return undefined;
  return (await ports.holds(tenant, digest, artifact.sizeBytes)) ? artifact : undefined;
}
