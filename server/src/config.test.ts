import { describe, expect, it } from "vitest";
import { ConfigError, readConfig } from "./config.ts";

const read = (args: string[] = [], environment: Record<string, string> = {}) => {
  const result = readConfig(args, environment, "host-1");
  if (result.kind !== "config") throw new Error("expected settings");
  return result.config;
};

describe("settings", () => {
  it("have defaults that bind to loopback and keep data in the folder", () => {
    expect(read()).toMatchObject({
      host: "127.0.0.1",
      port: 7400,
      dataDir: ".orchestrator",
      databaseUrl: undefined,
      serverId: "host-1",
      logLevel: "info",
      logFormat: "auto",
    });
  });

  it("come from the environment, and a flag wins", () => {
    const environment = { ORCH_PORT: "0", ORCH_HOST: "::1", ORCH_LOG_FORMAT: "json" };
    expect(read([], environment)).toMatchObject({ port: 0, host: "::1", logFormat: "json" });
    expect(read(["--port", "81"], environment)).toMatchObject({ port: 81, host: "::1" });
  });

  it("take an empty variable as not set", () => {
    expect(read([], { ORCH_PORT: "", DATABASE_URL: "" })).toMatchObject({
      port: 7400,
      databaseUrl: undefined,
    });
  });

  it("need the address of the ready queue's service, and no other", () => {
    expect(read().readyQueue).toBe("postgres");
    const ORCH_VALKEY_URL = "redis://a:6379,redis://b:6379";
    expect(read(["--ready-queue", "valkey"], { ORCH_VALKEY_URL })).toMatchObject({
      readyQueue: "valkey",
      valkeyUrl: ORCH_VALKEY_URL,
      natsUrl: undefined,
    });
  });

  it("give times in milliseconds and the lease policy as it is", () => {
    const leasePolicy = '{"default":{"leaseTtl":"30s"}}';
    const config = read(["--drain-grace", "3"], { ORCH_LEASE_POLICY: leasePolicy });
    expect(config).toMatchObject({ drainGraceMs: 3_000, leasePolicy });
  });

  it("keep things for as long as the contract says, unless told in hours", () => {
    const day = 86_400_000;
    expect(read()).toMatchObject({
      retentionMs: 30 * day,
      deadLetterRetentionMs: 90 * day,
      operationRetentionMs: 30 * day,
      stuckAfterMs: 600_000,
    });
    const environment = { ORCH_RETENTION: "48", ORCH_STUCK_AFTER: "5" };
    expect(read(["--dead-letter-retention", "1"], environment)).toMatchObject({
      retentionMs: 2 * day,
      deadLetterRetentionMs: day / 24,
      stuckAfterMs: 5_000,
    });
  });

  it.each([
    [{ ORCH_PORT: "70000" }, /^ORCH_PORT: must be a whole number from 0 to 65535$/],
    [{ ORCH_PORT: "7e3" }, /^ORCH_PORT/],
    [{ ORCH_LOG_LEVEL: "loud" }, /^ORCH_LOG_LEVEL: must be one of trace, debug/],
    [{ ORCH_LEASE_POLICY: "[]" }, /^ORCH_LEASE_POLICY: must be a JSON object$/],
    [{ ORCH_POOL_SIZE: "0" }, /^ORCH_POOL_SIZE/],
    [{ ORCH_RETENTION: "0" }, /^ORCH_RETENTION: must be a whole number from 1 to 876000$/],
    [{ ORCH_SERVER_ID: "a b" }, /^ORCH_SERVER_ID/],
    [{ ORCH_DATA_DIR: " " }, /^ORCH_DATA_DIR: must not be empty$/],
    [{ ORCH_READY_QUEUE: "redis" }, /^ORCH_READY_QUEUE: must be one of postgres, valkey, nats$/],
    [{ ORCH_READY_QUEUE: "valkey" }, /^ORCH_VALKEY_URL is needed for the ready queue on valkey$/],
    [{ ORCH_READY_QUEUE: "nats" }, /^ORCH_NATS_URL is needed for the ready queue on nats$/],
    [{ ORCH_VALKEY_URL: "redis://a,b" }, /^ORCH_VALKEY_URL: must begin with redis:\/\/ or rediss/],
  ])("refuse %j", (environment, message) => {
    expect(() => read([], environment)).toThrow(message);
    expect(() => read([], environment)).toThrow(ConfigError);
  });

  it("refuse unknown flags and values, and name them", () => {
    expect(() => read(["--prot", "1"])).toThrow(/unknown option '--prot'/);
    expect(() => read(["--port", "x"])).toThrow(/--port <number>.*must be a whole number/);
    expect(() => read(["extra"])).toThrow(ConfigError);
  });

  it("never show an address, which may have a password", () => {
    const secret = "mysql://u:secret@h/db";
    const silent = expect.objectContaining({ message: expect.not.stringContaining("secret") });
    expect(() => read([], { ORCH_NATS_URL: secret })).toThrow(silent);
    expect(() => read(["--valkey-url", secret])).toThrow(silent);
    expect(() => read([], { DATABASE_URL: secret })).toThrow(silent);
    expect(() => read(["--database-url", secret])).toThrow(silent);
  });
});

describe("--help", () => {
  it("explains every setting with its variable and default", () => {
    const result = readConfig(["--help"], {}, "host-1");
    const text = result.kind === "help" ? result.text : "";
    for (const name of Object.keys(read())) {
      expect(text).toContain(`--${kebab(name.replace(/Ms$/, ""))}`);
    }
    expect(text).toMatch(/ORCH_PORT/);
    expect(text).toMatch(/default:\s+7400/);
    expect(text.replaceAll(/\s+/g, " ")).toContain("(default: 2160) [ORCH_DEAD_LETTER_RETENTION]");
  });
});

const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
