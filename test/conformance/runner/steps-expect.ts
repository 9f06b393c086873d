import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type Channel, type Entry, ExpectationError } from "./journal.ts";
import { mismatch } from "./match.ts";
import { msOf, type Step } from "./scenario.ts";
import type { Stage } from "./stage.ts";
import type { Verb } from "./steps-program.ts";

const show = (value: unknown): string => JSON.stringify(value) ?? "";

/** What was seen of the kind that was waited for, to see why none of it did. */
function seen(stage: Stage, channel: Channel, wanted: JsonValue | undefined): string {
  const name = typeof wanted === "string" ? wanted : Object.keys((wanted ?? {}) as object)[0];
  const bodies = stage.journal.entries
    .filter((entry) => entry.channel === channel && entry.name === name)
    .map(({ at, body, isTaken }) => `${Math.round(at)}${isTaken ? " (taken)" : ""} ${show(body)}`);
  return bodies.length === 0 ? "none was seen" : `seen:\n    ${bodies.slice(-8).join("\n    ")}`;
}

const take =
  (channel: Channel): Verb =>
  async (stage, step) => {
    const matches = stage.patternOf(channel, step);
    for (let count = 0; count < (step.times ?? 1); count++) {
      const what = `${channel} ${show(step[channel])}`;
      try {
        const { at } = await stage.journal.take(matches, stage.within(step), what);
        if (step.as !== undefined) stage.marks.set(step.as, at);
      } catch (error) {
        if (!(error instanceof ExpectationError)) throw error;
        throw new ExpectationError(`${error.message}; ${seen(stage, channel, step[channel])}`);
      }
    }
  };

const channels = ["frame", "event", "request", "note"] as const;

/** The pattern inside of a `never` or `count`. */
function matching(stage: Stage, step: Step, verb: "never" | "count"): Entry[] {
  const inner = { ...(step[verb] as JsonObject), ...sinceOf(step) } as Step;
  const channel = channels.find((name) => inner[name] !== undefined);
  if (channel === undefined) throw new Error(`${verb} needs one of ${channels.join(", ")}`);
  const matches = stage.patternOf(channel, inner);
  return stage.journal.entries.filter(matches);
}

const sinceOf = (step: Step): Partial<Step> => (step.since ? { since: step.since } : {});

async function never(stage: Stage, step: Step): Promise<void> {
  await stage.settle();
  const [found] = matching(stage, step, "never");
  if (found === undefined) return;
  throw new ExpectationError(`${Math.round(found.at)} ms: ${found.name} ${show(found.body)}`);
}

async function count(stage: Stage, step: Step): Promise<void> {
  await stage.settle();
  const found = matching(stage, step, "count");
  for (const entry of found) entry.isTaken = true;
  const { is } = step.count as JsonObject;
  const fault = mismatch(found.length, stage.resolve(is), stage.variables);
  if (fault !== undefined) throw new ExpectationError(`the count of ${show(step.count)} ${fault}`);
}

/**
 * Frames of a kind come every `every`, ± `tolerance` (0.2 unless told), measured over the whole
 * of `times` of them: a late one must be made up for, and none may be more than twice too late.
 */
async function cadence(stage: Stage, step: Step): Promise<void> {
  const { frame, every, tolerance = 0.2 } = step.cadence as Record<string, JsonValue>;
  const everyMs = msOf(every, 0);
  const times = step.times ?? 5;
  const matches = stage.patternOf("frame", { ...step, frame });
  const moments: number[] = [];
  for (let index = 0; index < times; index++) {
    const ms = 3 * everyMs + 2000;
    moments.push((await stage.journal.take(matches, ms, `${show(frame)} number ${index + 1}`)).at);
  }
  const gaps = moments.slice(1).map((at, index) => at - (moments[index] ?? at));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const isOff = (gap: number, by: number) => Math.abs(gap - everyMs) > by * everyMs;
  if (!isOff(mean, Number(tolerance)) && gaps.filter((gap) => isOff(gap, 0.2)).length <= 1) return;
  const text = gaps.map((gap) => Math.round(gap)).join(", ");
  throw new ExpectationError(
    `${show(frame)} should come every ${everyMs} ms, the gaps are ${text}`,
  );
}

/** Frames of a kind come at most once every `every` since a mark, and `slack` more in all. */
function rate(stage: Stage, step: Step): void {
  const { every, slack = 0, ...pattern } = step.rate as JsonObject;
  const matches = stage.patternOf("frame", { ...step, ...pattern } as Step);
  const found = stage.journal.entries.filter(matches);
  const ms = (found.at(-1)?.at ?? 0) - stage.markOf(String(step.since));
  const most = Math.floor(ms / msOf(every, 0)) + Number(slack);
  if (found.length <= most) return;
  const seconds = (ms / 1000).toFixed(1);
  throw new ExpectationError(`${found.length} in ${seconds} s, ${most} are allowed`);
}

/** How many handlers ran at once at most. */
function concurrency(stage: Stage, step: Step): void {
  let running = 0;
  let most = 0;
  for (const { channel, name } of stage.journal.entries) {
    if (channel !== "event") continue;
    if (name === "handlerStarted") running++;
    if (name === "handlerEnded") running--;
    most = Math.max(most, running);
  }
  const fault = mismatch(most, stage.resolve(step.concurrency), stage.variables);
  if (fault !== undefined) throw new ExpectationError(`the most handlers at once: ${fault}`);
}

/** The payloads of the handlers in the order in which they started. */
function order(stage: Stage, step: Step): void {
  const texts = stage.journal.entries
    .filter(({ channel, name }) => channel === "event" && name === "handlerStarted")
    .map(({ body }) =>
      Buffer.from(String((body as JsonObject).payload ?? ""), "base64").toString(),
    );
  const fault = mismatch(texts, stage.resolve(step.order), stage.variables);
  if (fault !== undefined) throw new ExpectationError(`the order of the handlers ${fault}`);
}

function elapsed(stage: Stage, step: Step): void {
  const { from, to, gte, lte } = step.elapsed as Record<string, string>;
  const end = to === undefined ? stage.journal.now() : stage.markOf(to);
  const ms = end - stage.markOf(String(from));
  if (ms < msOf(gte, 0) || ms > msOf(lte, Number.POSITIVE_INFINITY)) {
    throw new ExpectationError(`${show(step.elapsed)}: it took ${Math.round(ms)} ms`);
  }
}

/** The verbs that wait for something, or look back at what happened. */
export const expectVerbs: Readonly<Record<string, Verb>> = {
  frame: take("frame"),
  event: take("event"),
  request: take("request"),
  note: take("note"),
  never,
  count,
  cadence,
  rate,
  concurrency,
  order,
  elapsed,
  settle: (stage) => stage.settle(),
  mark: (stage, step) => {
    stage.marks.set(String(step.mark), stage.journal.now());
  },
};
