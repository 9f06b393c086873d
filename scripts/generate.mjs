// Makes everything that is generated and kept in git: code out of the contract, for each language
// whose toolchain is here, and the page of job states. `npm run check` and the tests fail when one
// of them is not up to date.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { GENERATORS, generate, isPresent } from "./generators.mjs";
import { writeJobStates } from "./job-states.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

for (const generator of GENERATORS) {
  if (!isPresent(generator.toolchain)) {
    console.log(`LEFT OUT ${generator.name}: ${generator.toolchain} is not here`);
    continue;
  }
  const wrong = generate(generator, ROOT);
  console.log(`${wrong === undefined ? "ok" : "FAIL"}       ${generator.name}`);
  if (wrong === undefined) continue;
  console.error(wrong);
  process.exitCode = 1;
}
writeJobStates();
