import { once } from "node:events";
import { connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { openBreakableLink } from "../../../test/support/breakable-link.ts";
import { createTestDatabase } from "../../../test/support/database.ts";
import { startServerHere } from "../../../test/support/server.ts";
import { SOON } from "../rpc/testing/replicas.ts";
import { serve } from "../rpc/testing/serve.ts";
import { probeRoutes } from "./probe-routes.ts";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** Serves probes of a server that is in the state given. */
async function probes(state: { serving?: boolean; ledgerUp?: boolean; fails?: boolean } = {}) {
  const { serving = true, ledgerUp = true, fails = false } = state;
  const errors: unknown[] = [];
  const fallback = probeRoutes({
    expose: async () => {
      if (fails) throw new Error("secret detail");
      return { contentType: "text/plain; version=0.0.4", text: "a 1\n" };
    },
    serving: () => serving,
    ledgerUp: async () => ledgerUp,
    onError: (error) => errors.push(error),
  });
  const listener = await serve(() => {}, { fallback });
  undo.push(() => listener.close(0));
  return { url: listener.url, errors };
}

const answerOf = async (url: string, init?: RequestInit) => {
  const response = await fetch(url, init);
  return { status: response.status, body: await response.text() };
};

describe("probes", () => {
  it("say that a server serves, stops, or has no ledger", async () => {
    const health = async (state: Parameters<typeof probes>[0]) =>
      answerOf(`${(await probes(state)).url}/healthz`);
    expect(await health({})).toEqual({ status: 200, body: "serving\n" });
    expect(await health({ serving: false })).toEqual({ status: 503, body: "stopping\n" });
    expect(await health({ ledgerUp: false })).toEqual({ status: 503, body: "no ledger\n" });
  });

  it("are for GET and HEAD, with or without a query, and nothing else is theirs", async () => {
    const { url } = await probes();
    expect(await answerOf(`${url}/metrics?x=1`)).toEqual({ status: 200, body: "a 1\n" });
    expect(await answerOf(`${url}/metrics`, { method: "HEAD" })).toEqual({ status: 200, body: "" });
    const posted = await fetch(`${url}/healthz`, { method: "POST", body: "x" });
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(posted.headers.get("cache-control")).toBe("no-store");
    for (const path of ["/", "/metrics/", "/healthz2", "/metricsx", "/x/metrics"]) {
      expect((await answerOf(`${url}${path}`)).status).toBe(404);
    }
  });

  it("answer a balancer that speaks HTTP/1.0 and names no host", async () => {
    const { url } = await probes();
    const socket = connectTcp(Number(new URL(url).port), "127.0.0.1");
    socket.setEncoding("utf8").end("GET /healthz HTTP/1.0\r\n\r\n");
    let answer = "";
    for await (const text of socket) answer += text;
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nserving\n$/);
  });

  it("are served over HTTP/2 as well", async () => {
    const { url } = await probes();
    const session = connect(url);
    undo.push(() => session.close());
    const stream = session.request({ ":path": "/healthz" });
    const [headers] = await once(stream, "response");
    expect(headers[":status"]).toBe(200);
    stream.resume();
    await once(stream, "end");
  });

  it("tell nothing of what went wrong", async () => {
    const { url, errors } = await probes({ fails: true });
    expect(await answerOf(`${url}/metrics`)).toEqual({ status: 500, body: "failed\n" });
    expect(errors).toMatchObject([{ message: "secret detail" }]);
  });
});

describe("the health of a server", () => {
  it("goes with its ledger and comes back with it, and the metrics say so", async () => {
    const database = await createTestDatabase();
    undo.push(() => database.drop());
    const link = await openBreakableLink(database.url);
    undo.push(() => link.close());
    const server = await startServerHere(link.url);
    undo.push(() => server.stop());
    const health = () => answerOf(`${server.url}/healthz`);
    const metrics = async () => (await answerOf(`${server.url}/metrics`)).body;
    expect(await health()).toEqual({ status: 200, body: "serving\n" });
    link.cut();
    await expect.poll(health, SOON).toEqual({ status: 503, body: "no ledger\n" });
    await expect.poll(metrics, SOON).toContain("orch_ledger_up 0\n");
    link.mend();
    await expect.poll(health, SOON).toEqual({ status: 200, body: "serving\n" });
    await expect.poll(metrics, SOON).toContain("orch_ledger_up 1\n");
  });
});
