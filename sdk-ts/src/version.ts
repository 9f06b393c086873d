import { createRequire } from "node:module";

// Not an import: the manifest lies outside of what the build puts into dist/.
const manifest = createRequire(import.meta.url)("../package.json") as { version: string };

/** What this SDK calls itself on the wire, such as "sdk-ts/0.1.0". */
export const sdkName = `sdk-ts/${manifest.version}`;
