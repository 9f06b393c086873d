import type { Plan } from "../workload.ts";
import { enqueue } from "./w01-enqueue.ts";
import { unary } from "./w02-unary.ts";
import { drain } from "./w03-drain.ts";
import { steady } from "./w04-steady.ts";
import { idleLatency } from "./w05-idle-latency.ts";
import { backlog } from "./w06-backlog.ts";
import { oldSnapshot } from "./w07-old-snapshot.ts";
import { fairness } from "./w08-fairness.ts";
import { idleSessions } from "./w09-idle-sessions.ts";
import { artifacts } from "./w10-artifacts.ts";
import { replicas } from "./w11-replicas.ts";
import { languages } from "./w12-languages.ts";

/** All workloads, in the order in which they run. */
export const PLANS: ReadonlyMap<string, Plan> = new Map<string, Plan>([
  ["W1", enqueue],
  ["W2", unary],
  ["W3", drain],
  ["W4", steady],
  ["W5", idleLatency],
  ["W6", backlog],
  ["W7", oldSnapshot],
  ["W8", fairness],
  ["W9", idleSessions],
  ["W10", artifacts],
  ["W11", replicas],
  ["W12", languages],
]);
