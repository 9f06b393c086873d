/** A service's server on this machine, or why there is none. */
export type FoundService =
  | {
      readonly kind: "found";
      /** The program and the arguments that come before all others. */
      readonly command: readonly string[];
      readonly version: string;
    }
  | { readonly kind: "missing"; readonly why: string };

/**
 * Where a service's server is, fetched if need be: at once when it is there, and once for all
 * processes that ask at the same time.
 */
export declare function findService(name: "valkey" | "nats"): Promise<FoundService>;
