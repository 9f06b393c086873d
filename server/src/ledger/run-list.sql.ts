import { RUN_COLUMNS, type RunRow } from "./run-read.sql.ts";
import { type Statement, sql } from "./sql.ts";

/** What lists of runs take; null does not narrow. */
export type ListRunsParams = readonly [
  tenant: string,
  /** Runs with smaller ids. */
  before: string,
  project: string | null,
  pipeline: string | null,
  replayOf: string | null,
];

const OTHERS = {
  project: "($3::text is null or project = $3)",
  pipeline: "($4::text is null or pipeline = $4)",
  replay: "($5::uuid is null or replay_of = $5)",
};

// An index answers what a list is driven by; the rest narrows what it finds.
const driven = (by: string, rest: readonly string[]): Statement<ListRunsParams, RunRow> =>
  sql(
    `list_runs_${by}`,
    `
select ${RUN_COLUMNS} from run where tenant = $1 and id < $2::uuid and not removing
  and ${rest.join("\n  and ")}
order by id desc limit 1001`,
  );

/** Lists runs, newest first, 1,001 at most; by what narrows most. */
export const listRunsBy: ReadonlyMap<
  "all" | "project" | "pipeline" | "replay",
  Statement<ListRunsParams, RunRow>
> = new Map([
  // The others are null; they are named so that all take the same.
  ["all", driven("all", Object.values(OTHERS))],
  [
    "project",
    driven("project", ["project = $3 and project <> ''", OTHERS.pipeline, OTHERS.replay]),
  ],
  ["pipeline", driven("pipeline", [OTHERS.project, "pipeline = $4", OTHERS.replay])],
  ["replay", driven("replay", [OTHERS.project, OTHERS.pipeline, "replay_of = $5::uuid"])],
]);
