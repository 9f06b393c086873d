import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { contractClocks } from "../contract/lease-policy.ts";
import { OrchestratorError } from "../errors.ts";
import { ArtifactService } from "../gen/stellaops/orchestrator/v1/artifact_pb.ts";
import { BackfillService } from "../gen/stellaops/orchestrator/v1/backfill_pb.ts";
import { JobService } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { PipelineService } from "../gen/stellaops/orchestrator/v1/pipeline_pb.ts";
import { RunService } from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { TaskRunnerService } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { WatermarkService } from "../gen/stellaops/orchestrator/v1/watermark_pb.ts";

/** Where to connect and as whom. */
export interface ConnectionOptions {
  /** The server's address; the environment's ORCH_URL unless told, else loopback port 7400. */
  readonly url?: string;
  /** Who owns the work; "default" unless told. */
  readonly tenant?: string;
  /** Headers that go with every call, for proxies and authentication. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A resolved {@link ConnectionOptions}. */
export interface Endpoint {
  readonly url: string;
  readonly tenant: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Fills in the defaults. Throws an "invalid_argument" error for an address that is not one. */
export function resolveEndpoint(options: ConnectionOptions): Endpoint {
  const url = options.url ?? process.env.ORCH_URL ?? "http://127.0.0.1:7400";
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) {
    throw new OrchestratorError(`"${url}" is not an http or https address`, {
      code: "invalid_argument",
      reason: "URL_INVALID",
      metadata: { url },
    });
  }
  return {
    url: url.replace(/\/+$/, ""),
    tenant: options.tenant ?? "default",
    headers: options.headers ?? {},
  };
}

/** One HTTP/2 connection to the server and the clients of its services. */
export interface Connection {
  readonly jobs: Client<typeof JobService>;
  readonly runs: Client<typeof RunService>;
  readonly pipelines: Client<typeof PipelineService>;
  readonly watermarks: Client<typeof WatermarkService>;
  readonly backfills: Client<typeof BackfillService>;
  readonly artifacts: Client<typeof ArtifactService>;
  readonly taskRunner: Client<typeof TaskRunnerService>;
  /** Ends the connection and everything on it, at once. */
  destroy(): void;
}

/**
 * A receive window that takes a whole message, so that a large offer or chunk does not wait for
 * window updates.
 */
const settings = { initialWindowSize: contractClocks.maxMessageBytes };

/**
 * Opens a connection, lazily: the first call dials. It speaks the Connect protocol over h2c (or
 * h2 for https), which costs half of what gRPC does in this runtime, and asks for no
 * compression, which costs more than it saves on a LAN.
 *
 * @param pingIntervalMs HTTP/2 pings while a call is open, so that a dead peer is noticed;
 *   undefined for none (a session has its own in-band pings, which proxies do not swallow).
 */
export function openConnection(endpoint: Endpoint, pingIntervalMs?: number): Connection {
  const pings = pingIntervalMs && { pingIntervalMs, pingTimeoutMs: pingIntervalMs };
  const manager = new Http2SessionManager(endpoint.url, pings || {}, { settings });
  const identify: Interceptor = (next) => (request) => {
    for (const [name, value] of Object.entries(endpoint.headers)) request.header.set(name, value);
    request.header.set("orch-tenant", endpoint.tenant);
    return next(request);
  };
  const transport: Transport = createConnectTransport({
    baseUrl: endpoint.url,
    httpVersion: "2",
    sessionManager: manager,
    interceptors: [identify],
    acceptCompression: [],
    readMaxBytes: 4 * contractClocks.maxMessageBytes,
  });
  return {
    jobs: createClient(JobService, transport),
    runs: createClient(RunService, transport),
    pipelines: createClient(PipelineService, transport),
    watermarks: createClient(WatermarkService, transport),
    backfills: createClient(BackfillService, transport),
    artifacts: createClient(ArtifactService, transport),
    taskRunner: createClient(TaskRunnerService, transport),
    destroy: () => manager.abort(),
  };
}
