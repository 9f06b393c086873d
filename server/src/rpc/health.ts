import { create } from "@bufbuild/protobuf";
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import {
  Health,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../gen/grpc/health/v1/health_pb.ts";
import { notFound, unavailable } from "./errors.ts";

/** Whether a service can be used. */
export type Serving = "serving" | "not serving";

/** The health of the server, for load balancers, as grpc.health.v1. */
export interface HealthReporter {
  /**
   * Sets the status of one service, or with the empty name of the server as a whole. Watchers
   * learn of a change at once. A name that was never set is unknown.
   */
  set(service: string, serving: Serving): void;
  /** Says NOT_SERVING for everything, then ends all watches, so that a stop does not wait. */
  shutDown(): void;
  /** Adds the service to a router. */
  readonly routes: (router: ConnectRouter) => void;
}

/** Makes a reporter; the server and `services` start as not serving. */
export function createHealth(services: Iterable<string>): HealthReporter {
  const statuses = new Map<string, ServingStatus>([["", ServingStatus.NOT_SERVING]]);
  for (const service of services) statuses.set(service, ServingStatus.NOT_SERVING);
  const wakers = new Set<() => void>();
  let down = false;

  const wake = () => {
    for (const waker of wakers) waker();
  };
  const statusOf = (service: string) => statuses.get(service);
  const watch = watcher(statusOf, wakers, () => down);

  return {
    set(service, serving) {
      if (down) return;
      const status = serving === "serving" ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
      statuses.set(service, status);
      wake();
    },
    shutDown() {
      for (const service of statuses.keys()) statuses.set(service, ServingStatus.NOT_SERVING);
      down = true;
      wake();
    },
    routes(router) {
      router.service(Health, {
        check({ service }) {
          const status = statusOf(service);
          if (status === undefined) throw notFound("SERVICE_UNKNOWN");
          return { status };
        },
        list: () => ({
          statuses: Object.fromEntries([...statuses].map(([name, status]) => [name, { status }])),
        }),
        watch: ({ service }, context) => watch(service, context),
      });
    },
  };
}

function watcher(
  statusOf: (service: string) => ServingStatus | undefined,
  wakers: Set<() => void>,
  isDown: () => boolean,
) {
  return async function* (
    service: string,
    { signal }: HandlerContext,
  ): AsyncGenerator<HealthCheckResponse> {
    let wake: () => void = () => undefined;
    const waker = () => wake();
    wakers.add(waker);
    signal.addEventListener("abort", waker);
    try {
      let sent: ServingStatus | undefined;
      while (!signal.aborted) {
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        // The protocol: an unknown service is told, and may become known later.
        const status = statusOf(service) ?? ServingStatus.SERVICE_UNKNOWN;
        if (status !== sent) {
          sent = status;
          yield create(HealthCheckResponseSchema, { status });
          continue;
        }
        if (isDown()) throw unavailable("SERVER_STOPPING");
        await changed;
      }
    } finally {
      wakers.delete(waker);
      signal.removeEventListener("abort", waker);
    }
  };
}
