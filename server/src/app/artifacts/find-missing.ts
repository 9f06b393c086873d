/** What {@link findMissing} needs. */
export interface FindMissingPorts {
  /** The sizes in bytes of those digests that the ledger has, by digest. */
  readonly sizes: (
    tenant: string,
    digests: readonly string[],
  ) => Promise<ReadonlyMap<string, number>>;
  /** Whether all the bytes are in place. */
  readonly holds: (tenant: string, digest: string, sizeBytes: number) => Promise<boolean>;
}

/** The digests that the tenant does not have, in the order they were asked for. */
export const findMissing =
  (ports: FindMissingPorts) =>
  async (tenant: string, digests: readonly string[]): Promise<string[]> => {
    const sizes = await ports.sizes(tenant, digests);
    const present = await Promise.all(
      digests.map(async (digest) => {
        const size = sizes.get(digest);
        return size !== undefined && (await ports.holds(tenant, digest, size));
      }),
    );
    return digests.filter((_, index) => !present[index]);
  };
