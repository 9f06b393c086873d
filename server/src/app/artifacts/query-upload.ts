import { type StoredArtifactPorts, storedArtifact } from "./stored-artifact.ts";

/** What {@link queryUpload} needs. */
export interface QueryUploadPorts extends StoredArtifactPorts {
  /** How many bytes of the upload are durable; 0 if nobody knows it. */
  readonly committedSize: (tenant: string, uploadId: string, digest: string) => Promise<number>;
}

/** How far an upload got. */
export interface UploadProgress {
  /** In bytes: where to go on. */
  readonly committedSize: number;
  /** The tenant has the artifact; nothing needs to be sent. */
  readonly complete: boolean;
}

/** Says how much of an upload is safe. */
export const queryUpload =
  (ports: QueryUploadPorts) =>
  async (tenant: string, uploadId: string, digest: string): Promise<UploadProgress> => {
    const artifact = await storedArtifact(ports, tenant, digest);
    if (artifact !== undefined) return { committedSize: artifact.sizeBytes, complete: true };
    const committedSize = await ports.committedSize(tenant, uploadId, digest);
    return { committedSize, complete: false };
  };
