import { Child } from "../children.ts";
import { readyUrl } from "../demo.ts";

// A parent for children.test.ts: starts a child, prints its address, and waits to be killed.
const [script = "", logDir = ""] = process.argv.slice(2);
const spec = { name: "orphan", script, args: [], env: process.env, logDir, stopGraceMs: 1000 };
const child = new Child(spec);
const { signal } = new AbortController();
console.log(await child.logged(readyUrl, { timeoutMs: 20_000, signal }));
await child.ended;
