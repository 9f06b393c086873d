/** `npm run conformance`: see test/conformance/README.md. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Outcome } from "./play.ts";
import { RealServer } from "./real-server.ts";
import { json, summary, table, transcript } from "./report.ts";
import { readScenarios } from "./scenario.ts";
import { readSdks } from "./sdks.ts";
import { matchingNames, playSuite, readKnownFailing } from "./suite.ts";

const suite = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(dirname(suite));

const { values } = parseArgs({
  options: {
    sdk: { type: "string", multiple: true, default: [] },
    scenario: { type: "string", multiple: true, default: [] },
    json: { type: "boolean", default: false },
    server: { type: "string" },
    list: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    "no-build": { type: "boolean", default: false },
  },
});

const say = (text: string): boolean =>
  (values.json ? process.stderr : process.stdout).write(`${text}\n`);

const scenarios = matchingNames(readScenarios(suite), values.scenario);
if (values.list) {
  for (const { name, about } of scenarios) say(`${name}\n    ${about}`);
  process.exit(0);
}
const all = readSdks(suite);
const sdks = matchingNames(all, values.sdk);
if (sdks.length === 0 || scenarios.length === 0) {
  say(`nothing to play; the SDKs are ${all.map(({ name }) => name).join(", ")}; see --list`);
  process.exit(2);
}

const begin = performance.now();
const server = new RealServer(root);
const known = readKnownFailing(suite);
const onOutcome = (outcome: Outcome) => {
  if (!outcome.passed || values.verbose) say(transcript(outcome));
};
const ground = { root, suite, realServer: async () => values.server ?? (await server.url()) };
const selection = { sdks, scenarios, build: !values["no-build"] };
const result = await playSuite(selection, ground, known, onOutcome).finally(() => server.stop());
const ms = performance.now() - begin;

if (result.complaints.length > 0 && server.log !== "") say(`the real server:\n${server.log}`);
say(table(result, known));
for (const complaint of result.complaints) say(`FAILED ${complaint}`);
say(summary(result, ms));
if (values.json) process.stdout.write(`${json(result, ms)}\n`);
const isMissing = values.sdk.length > 0 && result.leftOut.size > 0;
const exitCode = result.complaints.length > 0 || isMissing ? 1 : 0;
// A connection that a scenario blackholed may never close by itself; all is said, so this ends it.
process.stdout.write("", () => process.exit(exitCode));
