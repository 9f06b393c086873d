/** The facts about one artifact of a tenant. */
export interface Artifact {
  /** "sha256:" and 64 lower-case hexadecimal digits. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly mediaType: string;
  /** When it became complete, by the database's clock. */
  readonly createdAt: Date;
}

/** The media type of an artifact that was uploaded without one. */
export const DEFAULT_MEDIA_TYPE = "application/octet-stream";
