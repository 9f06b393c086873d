import type { ServiceImpl } from "@connectrpc/connect";
import type { createSource, listSources, updateSource } from "../app/flow/sources.ts";
import type { Source, SourceProperties } from "../domain/flow/source.ts";
import type {
  Source as SourceMessage,
  SourceService,
} from "../gen/stellaops/orchestrator/v1/source_pb.ts";
import { auditOf } from "./audit.ts";
import { aborted, alreadyExists, invalidArgument, notFound } from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { pageTokenInvalid } from "./page-tokens.ts";
import { readProperties, sourceMessage } from "./source-message.ts";

/** The use cases behind the service. */
export interface SourceServicePorts {
  readonly create: ReturnType<typeof createSource>;
  readonly find: (tenant: string, name: string) => Promise<Source | undefined>;
  readonly list: ReturnType<typeof listSources>;
  readonly update: ReturnType<typeof updateSource>;
}

/** SourceService: translates, and leaves the work to the use cases. */
export const sourceService = (ports: SourceServicePorts): ServiceImpl<typeof SourceService> => ({
  async createSource(request, context) {
    const source = required(request.source);
    const { name } = source;
    const audit = auditOf(request, context);
    const created = await ports.create(tenantOf(context), name, readProperties(source), audit);
    if (created === undefined) throw alreadyExists("SOURCE_EXISTS", { name });
    return { source: sourceMessage(created) };
  },

  async getSource({ name }, context) {
    const found = await ports.find(tenantOf(context), name);
    if (found === undefined) throw notFound("SOURCE_NOT_FOUND", { name });
    return { source: sourceMessage(found) };
  },

  async listSources(request, context) {
    const { type, host } = request;
    const filter = { type: type || undefined, host: host || undefined };
    const result = await ports.list(tenantOf(context), filter, request);
    if (result.kind !== "page") throw pageTokenInvalid();
    return { sources: result.items.map(sourceMessage), nextPageToken: result.nextPageToken };
  },

  async updateSource(request, context) {
    const source = required(request.source);
    const { name, etag } = source;
    const change = changeOf(source, request.updateMask?.paths ?? []);
    const audit = auditOf(request, context);
    const result = await ports.update(tenantOf(context), name, change, etag, audit);
    switch (result.kind) {
      case "updated":
        return { source: sourceMessage(result.source) };
      case "not_found":
        throw notFound("SOURCE_NOT_FOUND", { name });
      case "etag_mismatch":
        throw aborted("ETAG_MISMATCH", { metadata: { name } });
    }
  },
});

function required(source: SourceMessage | undefined): SourceMessage {
  if (source === undefined) throw new Error("validation let a request without a source through");
  return source;
}

const FIELDS = ["type", "host", "labels", "project", "objectives"] as const;

/** What the mask names, with undefined for objectives that go away; all of it without a mask. */
function changeOf(source: SourceMessage, paths: readonly string[]): Partial<SourceProperties> {
  const wrong = paths.filter((path) => !FIELDS.some((field) => field === path));
  if (wrong.length > 0) {
    const description = `may name ${FIELDS.join(", ")}`;
    throw invalidArgument("REQUEST_INVALID", [
      { field: "update_mask", description, reason: "FIELD_UNKNOWN" },
    ]);
  }
  const properties = { ...readProperties(source) };
  const named = paths.length === 0 ? FIELDS : FIELDS.filter((field) => paths.includes(field));
  return Object.fromEntries(named.map((field) => [field, properties[field]]));
}
