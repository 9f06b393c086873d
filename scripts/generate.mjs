// Makes everything that is generated and kept in git: code out of the contract, and the page of
// job states. `npm run check` and the tests fail when one of them is not up to date.
import { spawnSync } from "node:child_process";
import { writeJobStates } from "./job-states.mjs";

const { status } = spawnSync("buf", ["generate"], {
  stdio: "inherit",
  shell: process.platform === "win32",
});
if (status !== 0) process.exit(status ?? 1);
writeJobStates();
