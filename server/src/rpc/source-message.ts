import { create, type MessageInitShape, toJsonString } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { etagOf } from "../app/flow/change.ts";
import type { SourceObjectives } from "../domain/flow/settings.ts";
import type { Source, SourceProperties } from "../domain/flow/source.ts";
import {
  type Source as SourceMessage,
  type SourceObjectives as SourceObjectivesMessage,
  SourceSchema,
} from "../gen/stellaops/orchestrator/v1/source_pb.ts";
import { msOf } from "./durations.ts";
import { durationOfMs } from "./errors.ts";

/** A source as the contract writes it. */
export const sourceMessage = (source: Source): SourceMessage =>
  create(SourceSchema, {
    ...propertiesInit(source.name, source.properties),
    etag: etagOf(source.version),
    createTime: timestampFromDate(source.createdAt),
    updateTime: timestampFromDate(source.updatedAt),
  });

/** A source as ProtoJSON, for the history: what was said, without etag and times. */
export const sourceJson = (name: string, properties: SourceProperties): string =>
  toJsonString(SourceSchema, create(SourceSchema, propertiesInit(name, properties)));

/** What a source off the wire says about itself. */
export function readProperties(source: SourceMessage): SourceProperties {
  const { type, host, labels, project } = source;
  const objectives = source.objectives && readObjectives(source.objectives);
  return { type, host, labels, project, ...(objectives && { objectives }) };
}

function readObjectives(message: SourceObjectivesMessage): SourceObjectives {
  const { latency, successRatio } = message;
  return {
    // Less than a millisecond is some time all the same.
    ...(latency && { latencyMs: Math.max(1, msOf(latency)) }),
    ...(successRatio > 0 && { successRatio }),
  };
}

function propertiesInit(
  name: string,
  { type, host, labels, project, objectives }: SourceProperties,
): MessageInitShape<typeof SourceSchema> {
  const latencyMs = objectives?.latencyMs;
  return {
    name,
    type,
    host,
    labels: { ...labels },
    project,
    objectives: objectives && {
      latency: latencyMs === undefined ? undefined : durationOfMs(latencyMs),
      successRatio: objectives.successRatio ?? 0,
    },
  };
}
