import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { renderJobStates } from "../../scripts/job-states.mjs";

it("docs/job-states.md is what the table of moves says (npm run generate)", () => {
  const page = readFileSync(new URL("../../docs/job-states.md", import.meta.url), "utf8");
  expect(page).toBe(renderJobStates());
});
