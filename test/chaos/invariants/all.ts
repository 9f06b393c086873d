import { acknowledgedIsStored } from "./acknowledged.ts";
import { attemptsInBudget } from "./attempts.ts";
import { nothingLost } from "./conservation.ts";
import { serversStay } from "./crashes.ts";
import { dependenciesFirst } from "./dependencies.ts";
import { drainsUnaided } from "./drains.ts";
import { staleNeverWrites } from "./fencing.ts";
import { firesOnce } from "./firings.ts";
import { oneJobPerKey } from "./idempotency.ts";
import type { Invariant } from "./invariant.ts";
import { limitsHold } from "./limits.ts";
import { lostLeasesReturn } from "./lost-leases.ts";
import { operationsCount } from "./operations.ts";
import { noPhantoms } from "./phantoms.ts";
import { poisonDies } from "./poison.ts";
import { tenantsApart } from "./tenants.ts";
import { oneTerminalState } from "./terminal.ts";
import { windowsCoveredOnce } from "./windows.ts";

/** What a run is checked for, in the order of the design's list. */
export const INVARIANTS: readonly Invariant[] = [
  acknowledgedIsStored,
  noPhantoms,
  oneJobPerKey,
  oneTerminalState,
  staleNeverWrites,
  attemptsInBudget,
  lostLeasesReturn,
  poisonDies,
  nothingLost,
  dependenciesFirst,
  windowsCoveredOnce,
  limitsHold,
  tenantsApart,
  drainsUnaided,
  serversStay,
  firesOnce,
  operationsCount,
];

/** Numbers of the list whose features are still to come, and which. */
export const NOT_YET: readonly { readonly number: string; readonly feature: string }[] = [
  { number: "12", feature: "feeds" },
  { number: "15", feature: "bundles" },
];
