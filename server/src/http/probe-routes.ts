import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Metrics } from "./metrics.ts";

/** What load balancers and Prometheus ask. */
export interface ProbeRoutesOptions {
  readonly expose: Metrics["expose"];
  /** False once the server has begun to stop. */
  readonly serving: () => boolean;
  readonly ledgerUp: () => Promise<boolean>;
  readonly onError: (error: unknown) => void;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/**
 * Makes what serves `GET /metrics` and `GET /healthz` next to the RPCs. It answers whether the
 * request was for it.
 *
 * `/healthz` is 200 while this replica can do its work, and 503 when it stops or cannot reach the
 * ledger: a sign to send others its way or not, no sign to restart it.
 */
export function probeRoutes(
  options: ProbeRoutesOptions,
): (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => boolean {
  const routes = new Map([
    ["/metrics", () => metrics(options)],
    ["/healthz", () => health(options)],
  ]);
  return (request, response) => {
    const route = routes.get((request.url ?? "").replace(/\?.*$/s, ""));
    if (route === undefined) return false;
    request.resume();
    const isHead = request.method === "HEAD";
    if (request.method !== "GET" && !isHead) {
      send(response, { status: 405, contentType: TEXT, body: "GET only\n" }, isHead);
      return true;
    }
    route().then(
      (answer) => send(response, answer, isHead),
      (error: unknown) => {
        options.onError(error);
        send(response, { status: 500, contentType: TEXT, body: "failed\n" }, isHead);
      },
    );
    return true;
  };
}

const TEXT = "text/plain; charset=utf-8";

async function metrics({ expose }: ProbeRoutesOptions): Promise<Answer> {
  const { contentType, text } = await expose();
  return { status: 200, contentType, body: text };
}

async function health({ serving, ledgerUp }: ProbeRoutesOptions): Promise<Answer> {
  if (!serving()) return { status: 503, contentType: TEXT, body: "stopping\n" };
  if (!(await ledgerUp())) return { status: 503, contentType: TEXT, body: "no ledger\n" };
  return { status: 200, contentType: TEXT, body: "serving\n" };
}

function send(
  response: ServerResponse | Http2ServerResponse,
  { status, contentType, body }: Answer,
  isHead: boolean,
): void {
  // The two response classes have the same methods with signatures that TypeScript cannot join.
  const plain = response as ServerResponse;
  if (plain.destroyed || plain.writableEnded) return;
  plain.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    ...(status === 405 ? { allow: "GET, HEAD" } : {}),
  });
  plain.end(isHead ? undefined : body);
}
