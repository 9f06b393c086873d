import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CallResultSchema, EventSchema } from "../../gen/driver_pb.ts";

/** An event as an object literal. */
export type EventInit = NonNullable<MessageInitShape<typeof EventSchema>["event"]>;

/** Writes an event. */
export type Emit = (event: EventInit) => void;

/** The value of a CallResult as an object literal; undefined when the result is empty. */
export type ResultValue = MessageInitShape<typeof CallResultSchema>["value"] | undefined;
