import { type DescField, getOption } from "@bufbuild/protobuf";
import { type FieldRules, field } from "../gen/buf/validate/validate_pb.ts";
import { ArtifactBindingSchema } from "../gen/stellaops/orchestrator/v1/artifact_pb.ts";
import { FailureSchema } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import {
  EnqueueJobsRequestSchema,
  ProgressSchema,
} from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  AcceptSchema,
  CompletionSchema,
  DrainSchema,
  HeartbeatSchema,
  HelloSchema,
  PoolSchema,
  ThrottleSchema,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";

const rulesOf = (desc: DescField): FieldRules => getOption(desc, field);

function maxItems(desc: DescField): number {
  const { type } = rulesOf(desc);
  const limit = type.case === "repeated" ? Number(type.value.maxItems) : 0;
  if (limit === 0) throw new Error(`${desc} has no max_items rule`);
  return limit;
}

function maxBytes(desc: DescField): number {
  const { type } = rulesOf(desc);
  const limit = type.case === "string" ? Number(type.value.maxBytes) : 0;
  if (limit === 0) throw new Error(`${desc} has no max_bytes rule`);
  return limit;
}

/** How many items and bytes the contract's field rules allow, read from the descriptors. */
export const limits = {
  /** Jobs in one EnqueueJobs call. */
  enqueueItems: maxItems(EnqueueJobsRequestSchema.field.jobs),
  /** Items in a frame of accepts, completions, failures, releases or progress reports. */
  frameItems: maxItems(AcceptSchema.field.leases),
  /** Leases in a heartbeat, and so the most that a worker can hold. */
  heldLeases: maxItems(HeartbeatSchema.field.leases),
  /** Job types in a pool. */
  poolJobTypes: maxItems(PoolSchema.field.jobTypes),
  /** Bytes of a failure's message. */
  failureMessageBytes: maxBytes(FailureSchema.field.message),
  /** Bytes of a progress report's message. */
  progressMessageBytes: maxBytes(ProgressSchema.field.message),
  /** Bytes of the reason of a drain. */
  drainReasonBytes: maxBytes(DrainSchema.field.reason),
  /** Artifacts that one completion binds. */
  boundArtifacts: maxItems(CompletionSchema.field.artifacts),
  /** Bytes of an artifact's name. */
  artifactNameBytes: maxBytes(ArtifactBindingSchema.field.name),
  /** Bytes of the name of the machine that a worker runs on. */
  hostBytes: maxBytes(HelloSchema.field.host),
  /** Bytes of a throttle's resource key. */
  resourceKeyBytes: maxBytes(ThrottleSchema.field.resourceKey),
} as const;

/**
 * `text` cut to at most `bytes` bytes of UTF-8 on a character's edge and without what the server
 * does not take (U+0000, lone surrogates): a strange message must not end the stream that it
 * shares with others.
 */
export function truncate(text: string, bytes: number): string {
  const clean = text.toWellFormed().replaceAll("\0", "\ufffd");
  const encoded = Buffer.from(clean, "utf8");
  if (encoded.length <= bytes) return clean;
  const ellipsis = "…";
  let end = bytes - Buffer.byteLength(ellipsis);
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end--;
  return encoded.toString("utf8", 0, end) + ellipsis;
}
