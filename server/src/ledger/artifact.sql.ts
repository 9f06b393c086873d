import { sql } from "./sql.ts";

/** A row of `artifact` without its tenant. */
export interface ArtifactRow {
  readonly digest: Buffer;
  readonly size_bytes: number;
  readonly media_type: string;
  readonly created_at: Date;
}

/** One artifact of a tenant. */
export const findArtifact = sql<[tenant: string, digest: Buffer], ArtifactRow>(
  "artifact_find",
  `
select digest, size_bytes, media_type, created_at from artifact where tenant = $1 and digest = $2`,
);

/** Which of the digests a tenant has. */
export const findArtifactSizes = sql<
  [tenant: string, digests: Buffer[]],
  Pick<ArtifactRow, "digest" | "size_bytes">
>(
  "artifact_find_sizes",
  `
select digest, size_bytes from artifact where tenant = $1 and digest = any ($2::bytea[])`,
);

/** Writes an artifact; no row comes back when it is there already. */
export const insertArtifact = sql<
  [tenant: string, digest: Buffer, sizeBytes: number, mediaType: string],
  ArtifactRow
>(
  "artifact_insert",
  `
insert into artifact (tenant, digest, size_bytes, media_type) values ($1, $2, $3, $4)
on conflict (tenant, digest) do nothing
returning digest, size_bytes, media_type, created_at`,
);
