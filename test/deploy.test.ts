import { describe, expect, it } from "vitest";
import {
  askTools,
  type DeploymentTexts,
  deploymentFindings,
  readDeployment,
} from "../scripts/check-deploy.mjs";

const texts = readDeployment();

describe("deploy/", () => {
  it("fits the server and itself, as far as it can be told here", () => {
    expect(deploymentFindings(texts)).toEqual([]);
    const { findings, leftOut } = askTools(texts);
    if (leftOut.length > 0)
      console.warn(`LEFT OUT: deploy/ was not shown to ${leftOut.join(", ")}`);
    expect(findings).toEqual([]);
  });
});

type File = keyof DeploymentTexts;

/** A mistake that somebody could make, and what must be said about it. */
const MISTAKES: readonly [file: File, right: string, wrong: string, said: RegExp][] = [
  ["config", 'env: "ORCH_VALKEY_URL"', 'env: "ORCH_VALKEY"', /ORCH_VALKEY_URL is no setting/],
  ["compose", 'ORCH_DRAIN_GRACE: "25"', 'ORCH_DRAIN_GRACE: "50"', /longer than the drain grace/],
  ["compose", "stop_grace_period: 45s", "stop_grace_period: 30s", /docker kills at 30 s/],
  ["compose", "replicas: 3", "replicas: 2", /fewer than three/],
  ["compose", "haproxy:3.0-bookworm", "haproxy:latest", /"haproxy:latest" has no tag/],
  ["compose", "valkey/valkey:8.1-bookworm", "quay.io/v/valkey:8.1", /names a registry/],
  ["compose", "- artifacts:/data", "- ./data:/data", /mounts \.\/data/],
  ["compose", "@postgres:5432", "@db:5432", /does not lead to postgres/],
  ["compose", "127.0.0.1:7400/healthz", "127.0.0.1:7401/healthz", /asks elsewhere/],
  ["compose", "server:7400 check", "server:7401 check", /leads to another port/],
  ["envExample", "VALKEY_PASSWORD=", "PASSWORD=", /VALKEY_PASSWORD is not in/],
  ["dockerfile", "USER node", "USER root", /runs as root/],
  ["dockerfile", '\nCMD ["node"', "\nCMD node [", /swallows signals/],
  ["dockerfile", "COPY server/migrations", "COPY --link x", /server\/migrations is not copied/],
  ["dockerfile", "FROM node:24-bookworm-slim\n", "FROM node\n", /"node" has no tag/],
  [
    "kubernetes",
    "terminationGracePeriodSeconds: 60",
    "terminationGracePeriodSeconds: 40",
    /killed after 40 s/,
  ],
  ["kubernetes", "sleep: { seconds: 5 }", "sleep: { seconds: 0 }", /listens no more/],
  ["kubernetes", "grpc: { port: 7400 }", "grpc: { port: 7401 }", /startupProbe asks another port/],
  ["kubernetes", "path: /healthz", "path: /health", /readinessProbe must ask/],
  ["kubernetes", "minAvailable: 2", "minAvailable: 3", /lets no node be drained/],
  ["kubernetes", "minAvailable: 2", "minAvailable: 0", /all replicas go at once/],
  ["kubernetes", "name: orch_sessions", "name: orch_backlog", /\/metrics has no orch_backlog/],
  [
    "kubernetes",
    "name: orchestrator }\n  minReplicas",
    "name: other }\n  minReplicas",
    /scales something else/,
  ],
  ["kubernetes", "[ReadWriteMany]", "[ReadWriteOnce]", /not RWX/],
  ["kubernetes", "key: DATABASE_URL", "key: DATABASE", /the Secret has no DATABASE/],
  ["kubernetes", "runAsNonRoot: true", "runAsNonRoot: false", /runs as root/],
  ["kubernetes", "requests: { cpu: 500m,", "requests: {", /the HPA cannot work/],
  ["kubernetes", "targetPort: grpc", "targetPort: http", /leads to no port: http/],
  ["kubernetes", "kind: PodDisruptionBudget", "kind: [", /flow collection|Flow sequence|missing/i],
  ["metrics", '"orch_sessions"', '"orch_streams"', /\/metrics has no orch_sessions/],
  ["main", "STUCK_AFTER_MS = 15_000", "STUCK_AFTER_MS = 60_000", /a stop may take 90 s/],
];

describe("the check of deploy/ finds", () => {
  it.each(MISTAKES)("in %s, instead of %j, %j", (file, right, wrong, said) => {
    expect(texts[file]).toContain(right);
    const found = deploymentFindings({ ...texts, [file]: texts[file].replace(right, wrong) });
    expect(found.join("\n")).toMatch(said);
  });
});
