import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { RealServer } from "./runner/real-server.ts";
import { summary, table, transcript } from "./runner/report.ts";
import { readScenarios } from "./runner/scenario.ts";
import { readSdks } from "./runner/sdks.ts";
import { playSuite, readKnownFailing, type SuiteResult } from "./runner/suite.ts";

const suite = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(suite));
const server = new RealServer(root);
const ground = { root, suite, realServer: () => server.url() };
const known = readKnownFailing(suite);
const scenarios = readScenarios(suite);

/** A cold build of a compiled SDK and all its scenarios, on a slow machine. */
const PATIENCE_MS = 15 * 60_000;

afterAll(() => server.stop());

describe("conformance", () => {
  it.for(readSdks(suite))("$name", { timeout: PATIENCE_MS }, async (sdk, { skip }) => {
    const begin = performance.now();
    const selection = { sdks: [sdk], scenarios, build: true };
    const result: SuiteResult = await playSuite(selection, ground, known);
    const failed = result.outcomes.filter(({ passed }) => !passed);
    const log = failed.length > 0 ? [`the real server:\n${server.log}`] : [];
    const lines = [...failed.map(transcript), ...log, table(result, known)];
    process.stderr.write(`${[...lines, summary(result, performance.now() - begin)].join("\n")}\n`);
    const leftOut = result.leftOut.get(sdk.name);
    if (leftOut?.kind === "no toolchain") skip(`left out: ${leftOut.why}`);
    expect(result.complaints, result.complaints.join("\n")).toEqual([]);
  });
});
