import type { Entry } from "./journal.ts";
import type { Outcome } from "./play.ts";
import type { KnownFailing, SuiteResult } from "./suite.ts";

const MAX_BODY_CHARACTERS = 400;

/** The table scenario × SDK. */
export function table(result: SuiteResult, known: KnownFailing): string {
  const { outcomes, leftOut, sdks: columns } = result;
  const scenarios = [...new Set(outcomes.map(({ scenario }) => scenario))].sort();
  const width = Math.max(...scenarios.map((name) => name.length), 8);
  const cell = (scenario: string, sdk: string): string => {
    if (leftOut.has(sdk)) return "-";
    const outcome = outcomes.find((one) => one.scenario === scenario && one.sdk === sdk);
    if (outcome === undefined) return "-";
    if (outcome.passed) return "ok";
    return known[sdk]?.includes(scenario) ? "known" : "FAILED";
  };
  const row = (name: string, cells: readonly string[]) => {
    const padded = cells.map((text, index) => text.padEnd(columns[index]?.length ?? 0));
    return [name.padEnd(width), ...padded].join("  ");
  };
  return [
    row("scenario", columns),
    ...scenarios.map((scenario) =>
      row(
        scenario,
        columns.map((sdk) => cell(scenario, sdk)),
      ),
    ),
  ]
    .map((line) => line.trimEnd())
    .join("\n");
}

/** What was played and what was left out: the last lines. */
export function summary({ outcomes, leftOut, complaints }: SuiteResult, ms: number): string {
  const passed = outcomes.filter((outcome) => outcome.passed).length;
  const sdks = new Set(outcomes.map(({ sdk }) => sdk)).size;
  const lines = [
    `conformance: ${passed} of ${outcomes.length} passed, ${sdks} SDKs, ${Math.round(ms / 1000)} s`,
  ];
  for (const [name, { kind, why }] of leftOut) {
    lines.push(`left out: ${name} (${kind}: ${why.split("\n")[0]})`);
  }
  for (const { sdk, scenario, replayedAfterMs } of outcomes) {
    if (replayedAfterMs === undefined) continue;
    const ms = Math.round(replayedAfterMs);
    lines.push(`played again: ${sdk} ${scenario} (this machine stood still for ${ms} ms)`);
  }
  if (leftOut.size === 0) lines.push("left out: nothing");
  if (complaints.length > 0) lines.push(`FAILED: ${complaints.length}`);
  return lines.join("\n");
}

const line = ({ at, channel, session, name, body }: Entry): string => {
  const text = JSON.stringify(body) ?? "";
  const short = text.length > MAX_BODY_CHARACTERS ? `${text.slice(0, MAX_BODY_CHARACTERS)}…` : text;
  const who = session === undefined ? "" : ` ${session}`;
  return `${at.toFixed(0).padStart(7)} ms  ${channel.padEnd(7)}${who} ${name} ${short}`;
};

/** All that happened in a scenario, for whoever must find out why it failed. */
export function transcript({ sdk, scenario, fault, journal, log }: Outcome): string {
  const entries = journal.filter(({ name }) => name !== "chunk").map(line);
  const shown = entries.length > 120 ? ["…", ...entries.slice(-120)] : entries;
  const stderr = log.trim().split("\n").slice(-25).join("\n");
  return [
    `${sdk} ${scenario}: ${fault ?? "passed"}`,
    ...shown,
    ...(stderr === "" ? [] : ["stderr:", stderr]),
  ].join("\n  ");
}

/** The result for machines. */
export const json = ({ outcomes, leftOut, complaints }: SuiteResult, ms: number): string =>
  JSON.stringify({
    ok: complaints.length === 0,
    seconds: Math.round(ms / 100) / 10,
    outcomes: outcomes.map(({ sdk, scenario, passed, ms: took, fault }) => ({
      sdk,
      scenario,
      passed,
      ms: Math.round(took),
      ...(fault !== undefined && { fault }),
    })),
    leftOut: Object.fromEntries(leftOut),
  });
