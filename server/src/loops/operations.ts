import { type Loop, loop } from "../lib/loop.ts";

/** What working through operations needs. */
export interface OperationsPorts {
  /** The tenants with operations that are due, the longest due first. */
  readonly tenantsWithDue: () => Promise<readonly string[]>;
  /**
   * Does a step of the longest due operation of a tenant, apart from `except`. Answers whether
   * there was one, or which operation's step failed.
   */
  readonly step: (
    tenant: string,
    except: readonly string[],
  ) => Promise<"done" | "nothing" | { readonly failed: string; readonly error: unknown }>;
  /** How long until the next operation is due, in milliseconds; undefined: there is none. */
  readonly nextDueMs: () => Promise<number | undefined>;
  /** A clock that only goes forward, in milliseconds. */
  readonly now: () => number;
  readonly onError: (loop: string, error: unknown) => void;
}

/** The longest rest, in milliseconds: another replica may have taken a request meanwhile. */
const MAX_REST_MS = 500;

/** The shortest rest, in milliseconds: what is due and not done is at another replica. */
const MIN_REST_MS = 20;

/** How long an operation whose step failed is left alone here, in milliseconds. */
const AFTER_FAILURE_MS = 10_000;

/**
 * The loop that works through operations, a step each in turn, so that none waits for another.
 * Replicas work side by side, on different operations. Wake it for a new one.
 */
export function operations(ports: OperationsPorts): Loop {
  const leftAlone = new Map<string, number>();
  const except = (): string[] => {
    for (const [id, until] of leftAlone) if (until <= ports.now()) leftAlone.delete(id);
    return [...leftAlone.keys()];
  };
  return loop({
    name: "operations",
    restAfterErrorMs: MAX_REST_MS,
    onError: ports.onError,
    tick: async () => {
      let worked = false;
      for (const tenant of await ports.tenantsWithDue()) {
        const result = await ports.step(tenant, except());
        if (result === "done") worked = true;
        else if (result !== "nothing") {
          leftAlone.set(result.failed, ports.now() + AFTER_FAILURE_MS);
          ports.onError("operations", result.error);
        }
      }
      if (worked) return 0;
      const dueMs = (await ports.nextDueMs()) ?? MAX_REST_MS;
      return Math.min(MAX_REST_MS, Math.max(MIN_REST_MS, Math.ceil(dueMs)));
    },
  });
}
