// Writes docs/job-states.md out of the table of moves. `npm run generate` runs it; a test fails
// when the page is not what the table says.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MOVES, TERMINAL_STATES } from "../server/src/domain/job-machine.ts";

const PAGE = fileURLToPath(new URL("../docs/job-states.md", import.meta.url));

/** The page as the table of moves says it. */
export function renderJobStates() {
  const arrows = MOVES.map(({ kind, from, to }) => `    ${from ?? "[*]"} --> ${to}: ${kind}`);
  const ends = [...TERMINAL_STATES].map((state) => `    ${state} --> [*]`);
  const rows = MOVES.map(
    ({ kind, from, to, because }) => `| \`${kind}\` | ${from ?? "(new)"} | ${to} | ${because} |`,
  );
  return `# The states of a job

Generated from \`server/src/domain/job-machine.ts\` by \`npm run generate\`. A move that is not
here is illegal: the ledger's constraint \`job_event_legal\` refuses it.

\`\`\`mermaid
stateDiagram-v2
${[...arrows, ...ends].join("\n")}
\`\`\`

| event | from | to | because |
| --- | --- | --- | --- |
${rows.join("\n")}

\`failed\` is passed through in one transaction and never rested in. \`succeeded\` and \`cancelled\`
are final; \`dead\` is left only when an operator retries the job.
`;
}

/** Writes the page. */
export const writeJobStates = () => writeFileSync(PAGE, renderJobStates());
