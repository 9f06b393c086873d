import { expect, test } from "vitest";
import { parseOptions, UsageError } from "./options.ts";

const around = { env: {}, cwd: "/home/me/code", repository: "/opt/orch" };
const usage = (argv: string[]): UsageError => {
  try {
    parseOptions(argv, around);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error("it was accepted");
};

test("without arguments the repository is scanned, into its data folder", () => {
  expect(parseOptions([], around)).toEqual({
    pathAsGiven: "../../../opt/orch",
    root: "/opt/orch",
    polyglot: false,
    json: false,
    out: "/opt/orch/.orchestrator/demo/sbom.cdx.json",
    url: undefined,
    tenant: "default",
    dataDir: "/opt/orch/.orchestrator/demo",
  });
});

test("paths are relative to where the user stands, the data folder to the repository", () => {
  const options = parseOptions(["--polyglot", "src", "--out", "s.json", "--json"], {
    ...around,
    env: { ORCH_DATA_DIR: "data", ORCH_TENANT: "acme" },
  });
  expect(options).toMatchObject({
    pathAsGiven: "src",
    root: "/home/me/code/src",
    out: "/home/me/code/s.json",
    dataDir: "/opt/orch/data/demo",
    tenant: "acme",
    polyglot: true,
    json: true,
  });
});

test("--help says what is read, where the SBOM goes, and the exit codes", () => {
  const { message, exitCode } = usage(["--help"]);
  expect(exitCode).toBe(0);
  for (const word of ["Cargo.lock", "--out", "sbom.cdx.json", "--url", "Exit codes", "vendor"])
    expect(message).toContain(word);
});

test.each([[["--nope"]], [["a", "b"]], [["--out"]], [["--url", "localhost:7400"]]])(
  "%j is a mistake",
  (argv) => {
    const { message, exitCode } = usage(argv);
    expect(exitCode).toBe(2);
    expect(message).toMatch(/^error: /);
  },
);
