import { Orchestrator, type RetryOverrides, type RunJobRequest } from "@stellaops/orchestrator";
import type { Ack, Intent, Read } from "./history.ts";
import { Journal } from "./journal.ts";
import { type OperatorClients, operatorClientsOf } from "./operator-clients.ts";
import type { Grant, ScheduleWish } from "./plan-history.ts";
import { type PlannedJob, type PlannedStep, SOURCE, TENANTS, windowOf } from "./planned-jobs.ts";

/** A line of the producer's journal. */
export type ProducerLine =
  | ({ readonly line: "intent" } & Intent)
  | ({ readonly line: "ack" } & Ack)
  | ({ readonly line: "read" } & Read)
  | ({ readonly line: "grant" } & Grant)
  | ({ readonly line: "schedule" } & ScheduleWish)
  | { readonly line: "operation"; readonly kind: string; readonly failure?: string };

/** Where a producer produces. */
export interface ProducingSettings {
  readonly url: string;
  readonly journal: string;
  /** When the run began, as its window series know it: milliseconds since 1970. */
  readonly startedAtMs: number;
}

const contentOf = ({ nonce, jobType, workMs, failures, priority }: PlannedJob): string =>
  JSON.stringify([nonce, jobType, workMs, failures, priority]);

/** What all that a producer does shares: its clients, its journal, and what it was answered. */
export class Producing {
  readonly startedAtMs: number;
  readonly operator: OperatorClients;
  /** Ids of the jobs that were answered, by nonce. */
  readonly known = new Map<string, string>();
  /** Resolves when nothing new is to begin. */
  readonly over: Promise<void>;
  readonly #journal: Journal;
  readonly #clients: ReadonlyMap<string, Orchestrator>;
  readonly #finish = Promise.withResolvers<void>();
  #isOver = false;

  constructor({ url, journal, startedAtMs }: ProducingSettings) {
    this.startedAtMs = startedAtMs;
    this.#journal = new Journal(journal);
    this.#clients = new Map(TENANTS.map((tenant) => [tenant, new Orchestrator({ url, tenant })]));
    this.operator = operatorClientsOf(url);
    this.over = this.#finish.promise;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Begins nothing new, and cuts short what waits. */
  finish(): void {
    this.#isOver = true;
    this.#finish.resolve();
  }

  write(line: ProducerLine): void {
    this.#journal.write(line);
  }

  clientOf(tenant: string): Orchestrator {
    const client = this.#clients.get(tenant);
    if (client === undefined) throw new RangeError(`no client of ${tenant}`);
    return client;
  }

  /** Waits, but not beyond the end. */
  async rest(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const passed = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([passed, this.over]);
    clearTimeout(timer);
  }

  grant(tenant: string, what: Grant["what"], id: string): void {
    this.write({ line: "grant", tenant, what, id, atMs: Date.now() });
  }

  acknowledge(tenant: string, nonce: string, outcome: Ack["outcome"], jobId = ""): void {
    if (jobId !== "") this.known.set(nonce, jobId);
    this.write({ line: "ack", tenant, nonce, outcome, jobId });
  }

  /** Writes down the wish, and says how it is asked for. */
  requestOf(tenant: string, job: PlannedJob) {
    const { idempotencyKey, delayMs, window } = job;
    this.wish(tenant, job);
    return {
      ...templateOf(tenant, job),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(delayMs === undefined ? {} : { notBefore: new Date(Date.now() + delayMs) }),
      ...(window === undefined
        ? {}
        : { source: SOURCE, window: windowOf(window, this.startedAtMs) }),
    };
  }

  /** The same for jobs of a run. */
  stepsOf(tenant: string, steps: readonly PlannedStep[]): RunJobRequest[] {
    return steps.map((step) => {
      const { name, dependsOn } = step;
      return { ...this.requestOf(tenant, step), name, dependsOn };
    });
  }

  /** Writes down a wish and those for what its handler is to append. */
  wish(tenant: string, job: PlannedJob, more: Pick<Intent, "madeBy" | "fannedBy"> = {}): void {
    const { nonce, jobType, idempotencyKey, fanOut = [] } = job;
    const key = idempotencyKey === undefined ? {} : { idempotencyKey };
    const intent = { nonce, tenant, jobType, content: contentOf(job), ...key, ...more };
    this.write({ line: "intent", ...intent });
    for (const child of fanOut) this.wish(tenant, child, { fannedBy: nonce });
  }
}

/** What {@link templateOf} answers. */
interface Template {
  readonly jobType: string;
  readonly payload: {
    readonly nonce: string;
    readonly tenant: string;
    readonly workMs: number;
    readonly failures: number;
    readonly fanOut?: readonly (Template & Pick<PlannedStep, "name" | "dependsOn">)[];
  };
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly source?: string;
  readonly concurrencyKey?: string;
  readonly retry?: RetryOverrides;
}

/** What a job is, apart from when it is to run and what it covers. */
export function templateOf(tenant: string, job: PlannedJob): Template {
  const { nonce, jobType, workMs, failures, priority, maxAttempts, source, herd } = job;
  const { concurrencyKey, fanOut } = job;
  // As the handler will ask for it: what it appends must be the same in each of its attempts.
  const children = fanOut?.map((child) => {
    const { name, dependsOn } = child;
    return { ...templateOf(tenant, child), name, dependsOn };
  });
  return {
    jobType,
    payload: {
      ...{ nonce, tenant, workMs, failures },
      ...(children === undefined ? {} : { fanOut: children }),
    },
    priority,
    labels: { owner: tenant, ...(herd === undefined ? {} : { herd }) },
    ...(source === undefined ? {} : { source }),
    ...(concurrencyKey === undefined ? {} : { concurrencyKey }),
    ...(maxAttempts === undefined ? {} : { retry: { maxAttempts } }),
  };
}
