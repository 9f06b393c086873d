import { create, fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { v7 } from "uuid";
import { type LeaseRef, ServerFrameSchema } from "./api.ts";
import { welcomePolicy } from "./contract.ts";
import { ExpectationError } from "./journal.ts";
import { mismatch } from "./match.ts";
import type { Weather } from "./network.ts";
import type { Step } from "./scenario.ts";
import type { Reply } from "./scripted-calls.ts";
import type { ScriptedError } from "./scripted-errors.ts";
import type { Manners } from "./scripted-session.ts";
import type { Stage } from "./stage.ts";
import type { Verb } from "./steps-program.ts";
import { generatedBytes } from "./values.ts";

/** A lease as scenarios speak of it: a job, an attempt, an epoch. */
interface LeaseWords {
  readonly job: string;
  readonly attempt?: number;
  readonly epoch?: number;
}

const leaseOf = ({ job, attempt = 1, epoch = attempt }: LeaseWords): JsonObject => ({
  jobId: job,
  attempt,
  leaseEpoch: String(epoch),
  leaseToken: `token-${epoch}`,
});

/** Waits for a Hello and answers it with Welcome and verdicts on what is held. */
async function session(stage: Stage, step: Step): Promise<void> {
  const {
    hello = {},
    welcome = {},
    name,
  } = stage.resolve(step.session) as {
    hello?: JsonObject;
    welcome?: JsonObject | false;
    name: string;
  };
  const { body } = await stage.journal.take(
    (entry) => entry.channel === "frame" && entry.name === "hello" && entry.session === name,
    stage.within(step),
    `Hello of session ${name}`,
  );
  const fault = mismatch(body, hello, stage.variables);
  if (fault !== undefined) throw new ExpectationError(`Hello of ${name}: ${fault}`);
  if (welcome === false) return;
  const opened = stage.session({ on: name });
  const leasePolicy = welcomePolicy({ ...stage.scenario.policy, ...welcome });
  opened.send({ welcome: { sessionId: name, serverId: "scripted", leasePolicy } });
  const { heldLeases = [] } = body as { heldLeases?: { jobId: string; leaseEpoch: string }[] };
  opened.verdictsOnHeld(
    heldLeases.map((held) => ({ ...held, leaseEpoch: BigInt(held.leaseEpoch) }) as LeaseRef),
  );
}

interface OfferWords extends LeaseWords {
  readonly type?: string;
  readonly payload?: string;
  readonly spec?: JsonObject;
  readonly deadline?: string;
  readonly checkpoint?: string;
  /** So many jobs with ids of their own. */
  readonly copies?: number;
  readonly more?: JsonObject;
}

/** The frame of an `offer` or `offerActive`: one job or a list of them. */
function offersFrame(given: JsonValue, pool: string, active = false): JsonObject {
  const listed = (Array.isArray(given) ? given : [given]) as unknown as OfferWords[];
  const words = listed.flatMap((one) =>
    one.copies === undefined
      ? [one]
      : Array.from({ length: one.copies }, () => ({ ...one, job: v7() })),
  );
  const offers = words.map((one) => ({
    lease: leaseOf(one),
    pool,
    spec: {
      jobId: one.job,
      jobType: one.type ?? "test.job",
      payload: one.payload ?? "",
      ...one.spec,
    },
    leaseTtl: "4s",
    attemptDeadline: one.deadline ?? "600s",
    checkpoint: one.checkpoint ?? "",
    createTime: "2026-01-01T00:00:00Z",
    ...one.more,
  }));
  return { offers: { offers, active } };
}

function offer(stage: Stage, step: Step): void {
  const target = stage.session(step);
  target.send(offersFrame(stage.resolve(step.offer), target.pool));
}

/** The same with leases that need no accept. */
function offerActive(stage: Stage, step: Step): void {
  const target = stage.session(step);
  target.send(offersFrame(stage.resolve(step.offerActive), target.pool, true));
}

function answer(stage: Stage, step: Step): void {
  const words = stage.resolve(step.answer) as unknown as LeaseWords & {
    kind: string;
    verdict: string;
    completionId?: string;
    state?: string;
  };
  const { jobId = "", leaseEpoch = "" } = leaseOf(words);
  stage.session(step).answer({
    kind: `WRITE_KIND_${words.kind}`,
    jobId,
    leaseEpoch,
    completionId: words.completionId ?? "",
    verdict: `WRITE_VERDICT_${words.verdict}`,
  });
}

function verdict(stage: Stage, step: Step): void {
  const words = stage.resolve(step.verdict) as unknown as LeaseWords & {
    verdict: string;
    timeLeft?: string;
  };
  const { jobId = "", leaseEpoch = "" } = leaseOf(words);
  const { timeLeft: attemptTimeLeft = null } = words;
  const verdicts = [
    { jobId, leaseEpoch, verdict: `LEASE_VERDICT_${words.verdict}`, attemptTimeLeft },
  ];
  stage.session(step).send({ verdicts: { verdicts } });
}

function cancel(stage: Stage, step: Step): void {
  const words = stage.resolve(step.cancel) as unknown as LeaseWords & {
    reason: string;
    grace?: string;
  };
  const { jobId = "", leaseEpoch = "" } = leaseOf(words);
  const reason = `CANCEL_REASON_${words.reason}`;
  stage.session(step).send({
    cancels: { cancels: [{ jobId, leaseEpoch, reason, grace: words.grace ?? "2s" }] },
  });
}

/** Field 999, a message with a text, and field 1000, a number. */
const newerFields = [
  { no: 999, wireType: 2, data: Uint8Array.of(4, 10, 2, 104, 105) },
  { no: 1000, wireType: 0, data: Uint8Array.of(7) },
];

/** A frame of a kind that no SDK of today knows. */
function unknownFrame(stage: Stage, step: Step): void {
  const message = create(ServerFrameSchema);
  message.$unknown = newerFields.slice(0, 1);
  stage.session(step).sendMessage(message);
}

/** An offer with fields that no SDK of today knows, in the frame, the offer and the spec. */
function unknownFields(stage: Stage, step: Step): void {
  const target = stage.session(step);
  const json = offersFrame(stage.resolve(step.unknownFields), target.pool);
  const frame = fromJson(ServerFrameSchema, json);
  if (frame.frame.case !== "offers") return;
  for (const one of frame.frame.value.offers) {
    one.$unknown = [...newerFields];
    if (one.spec) one.spec.$unknown = [...newerFields];
  }
  frame.frame.value.$unknown = [...newerFields];
  frame.$unknown = [...newerFields];
  target.sendMessage(frame);
}

async function network(stage: Stage, step: Step): Promise<void> {
  if (step.network === "cut") stage.network.cut();
  else await stage.network.turn(step.network as Weather);
}

function reply(stage: Stage, step: Step): void {
  const replies = stage.resolve(step.reply) as unknown as Record<string, Reply | Reply[]>;
  for (const [method, given] of Object.entries(replies)) {
    stage.server.replies.add(method, Array.isArray(given) ? given : [given]);
  }
}

function artifact(stage: Stage, step: Step): void {
  const { size, seed } = step.artifact as { size: number; seed: number };
  stage.server.artifacts.put(generatedBytes(size, seed));
}

/** The verbs about the server and the network. */
export const serverVerbs: Readonly<Record<string, Verb>> = {
  session,
  offer,
  offerActive,
  answer,
  verdict,
  cancel,
  unknownFrame,
  unknownFields,
  network,
  reply,
  artifact,
  send: (stage, step) => stage.session(step).send(stage.resolve(step.send) as JsonObject),
  end: (stage, step) =>
    stage.session(step).end((step.end as unknown as ScriptedError | null) ?? undefined),
  manners: (stage, step) => {
    Object.assign(stage.server.manners, step.manners as unknown as Partial<Manners>);
  },
  letGo: (stage, step) => stage.server.replies.letGo(String(step.letGo)),
};
