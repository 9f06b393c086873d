import { Child, typescript } from "../children.ts";
import { readyUrl } from "../demo.ts";

// A parent for children.test.ts: starts a child, prints its address, and waits to be killed.
const [script = "", logDir = ""] = process.argv.slice(2);
const spec = { name: "orphan", ...typescript(script, []), env: process.env, logDir };
const child = new Child({ ...spec, stopGraceMs: 1000 });
const { signal } = new AbortController();
console.log(await child.logged(readyUrl, { timeoutMs: 20_000, signal }));
await child.ended;
