// Measures what validation adds to a message: node server/src/rpc/testing/measure-validation.ts
// The figures are in docs/adr/0011. Medians of rounds run in turn.
import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import { EnqueueJobsRequestSchema } from "../../gen/stellaops/orchestrator/v1/job_pb.ts";
import { WorkerFrameSchema } from "../../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { createContractValidator } from "../interceptors/validation.ts";

const ROUNDS = 15;
const jobId = "0190c0de-0000-7000-8000-000000000000";
const lease = { jobId, attempt: 1, leaseEpoch: 1n, leaseToken: "token" };
const jobs = Array.from({ length: 100 }, () => ({
  jobId,
  jobType: "concelier.ingest.osv",
  payload: new Uint8Array(256),
  idempotencyKey: "key",
}));
const completions = Array.from({ length: 100 }, () => ({ lease, completionId: jobId }));
const cases: [string, DescMessage, Message, number][] = [
  ["EnqueueJobs(100)", EnqueueJobsRequestSchema, create(EnqueueJobsRequestSchema, { jobs }), 200],
  [
    "WorkerFrame complete(100)",
    WorkerFrameSchema,
    create(WorkerFrameSchema, { frame: { case: "complete", value: { completions } } }),
    200,
  ],
  [
    "WorkerFrame complete(1)",
    WorkerFrameSchema,
    create(WorkerFrameSchema, {
      frame: { case: "complete", value: { completions: completions.slice(0, 1) } },
    }),
    5_000,
  ],
];
const validators: [string, Validator][] = [
  ["platform RegExp", createContractValidator()],
  ["RE2", createValidator()],
];

for (const [name, schema, message, times] of cases) {
  const bytes = toBinary(schema, message);
  const steps: [string, () => unknown][] = [
    ["parse", () => fromBinary(schema, bytes)],
    ...validators.map(([kind, validator]): [string, () => unknown] => [
      `validate, ${kind}`,
      () => validator.validate(schema, message),
    ]),
  ];
  const samples = steps.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    // The order changes each round: whoever comes first pays for the caches.
    steps.forEach((_, position) => {
      const index = (position + round) % steps.length;
      const step = steps[index]?.[1] ?? (() => undefined);
      const startedAt = performance.now();
      for (let i = 0; i < times; i++) step();
      samples[index]?.push(((performance.now() - startedAt) * 1_000) / times);
    });
  }
  steps.forEach(([step], index) => {
    const sorted = (samples[index] ?? []).sort((a, b) => a - b);
    const median = sorted[Math.floor(ROUNDS / 2)] ?? 0;
    const spread = `${sorted[0]?.toFixed(1)}–${sorted.at(-1)?.toFixed(1)}`;
    console.log(`${name}: ${step} ${median.toFixed(1)} µs (${spread})`);
  });
}
