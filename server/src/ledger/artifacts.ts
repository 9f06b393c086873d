import type { Pool } from "pg";
import type { Artifact } from "../domain/artifact.ts";
import { formatDigest, parseDigest } from "../domain/digest.ts";
import {
  type ArtifactRow,
  findArtifact,
  findArtifactSizes,
  insertArtifact,
} from "./artifact.sql.ts";
import { inTransaction } from "./transaction.ts";

const artifactOf = (row: ArtifactRow): Artifact => ({
  digest: formatDigest(row.digest),
  sizeBytes: row.size_bytes,
  mediaType: row.media_type,
  createdAt: row.created_at,
});

/** Finds an artifact's row. That its bytes are there is the blob folder's to say. */
export const findArtifactRow =
  (pool: Pool) =>
  (tenant: string, digest: string): Promise<Artifact | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(findArtifact, tenant, parseDigest(digest));
      return row === undefined ? undefined : artifactOf(row);
    });

/** The sizes in bytes of those artifacts that the tenant has a row of, by digest. */
export const artifactSizes =
  (pool: Pool) =>
  (tenant: string, digests: readonly string[]): Promise<ReadonlyMap<string, number>> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(findArtifactSizes, tenant, digests.map(parseDigest));
      return new Map(rows.map((row) => [formatDigest(row.digest), row.size_bytes]));
    });

/** Writes an artifact's row unless it is there. Call it when its bytes are durable, not before. */
export const recordArtifact =
  (pool: Pool) =>
  (
    tenant: string,
    facts: Omit<Artifact, "createdAt">,
  ): Promise<{ readonly artifact: Artifact; readonly created: boolean }> =>
    inTransaction(pool, [tenant], async (tx) => {
      const digest = parseDigest(facts.digest);
      const [made] = await tx.run(insertArtifact, tenant, digest, facts.sizeBytes, facts.mediaType);
      if (made !== undefined) return { artifact: artifactOf(made), created: true };
      // A statement of its own: it sees what the insert waited for.
      const [found] = await tx.run(findArtifact, tenant, digest);
      if (found === undefined) throw new Error("an artifact vanished; artifacts are not deleted");
      return { artifact: artifactOf(found), created: false };
    });
