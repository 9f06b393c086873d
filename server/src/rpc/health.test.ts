import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from "../gen/grpc/health/v1/health_pb.ts";
import { reasonOf } from "./errors.ts";
import { createHealth, type HealthReporter } from "./health.ts";
import type { RunningListener } from "./listener.ts";
import { serve } from "./testing/serve.ts";

const SERVICE = "stellaops.orchestrator.v1.JobService";
let health: HealthReporter;
let listener: RunningListener;

beforeEach(async () => {
  health = createHealth([SERVICE]);
  listener = await serve(health.routes);
});

afterEach(() => listener.close(0));

const client = () => createClient(Health, createGrpcTransport({ baseUrl: listener.url }));

describe("health", () => {
  it("starts as not serving and says what was set", async () => {
    expect((await client().check({})).status).toBe(Status.NOT_SERVING);
    health.set("", "serving");
    expect((await client().check({})).status).toBe(Status.SERVING);
    expect((await client().check({ service: SERVICE })).status).toBe(Status.NOT_SERVING);
    const { statuses } = await client().list({});
    expect(Object.entries(statuses).map(([name, { status }]) => [name, status])).toEqual([
      ["", Status.SERVING],
      [SERVICE, Status.NOT_SERVING],
    ]);
  });

  it("does not know other services", async () => {
    const error = await client()
      .check({ service: "other" })
      .catch((thrown: unknown) => ConnectError.from(thrown));
    expect(error).toMatchObject({ code: Code.NotFound });
  });

  it("takes the tenant of nobody", async () => {
    const headers = { "orch-tenant": "NOT A TENANT" };
    expect((await client().check({}, { headers })).status).toBe(Status.NOT_SERVING);
  });

  it("tells watchers of changes, and ends them when the server stops", async () => {
    const seen: Status[] = [];
    const watching = client().watch({ service: SERVICE })[Symbol.asyncIterator]();
    const next = async () => {
      const { value } = await watching.next();
      seen.push(value.status);
    };
    await next();
    health.set(SERVICE, "serving");
    await next();
    health.shutDown();
    await next();
    expect(seen).toEqual([Status.NOT_SERVING, Status.SERVING, Status.NOT_SERVING]);
    const end = await watching.next().catch((error: unknown) => ConnectError.from(error));
    expect(end).toMatchObject({ code: Code.Unavailable });
    expect(reasonOf(end as ConnectError)).toBe("SERVER_STOPPING");
    health.set(SERVICE, "serving");
    expect((await client().check({ service: SERVICE })).status).toBe(Status.NOT_SERVING);
  });

  it("tells watchers of a service that becomes known", async () => {
    const watching = client().watch({ service: "later" })[Symbol.asyncIterator]();
    expect((await watching.next()).value.status).toBe(Status.SERVICE_UNKNOWN);
    health.set("later", "serving");
    expect((await watching.next()).value.status).toBe(Status.SERVING);
    await watching.return?.();
  });
});
