import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { Audit } from "../app/audit.ts";
import type { Backfill, BackfillRefused, BackfillSpec } from "../app/backfills/backfill.ts";
import type { CreateBackfillResult } from "../app/backfills/create-backfill.ts";
import type { listBackfills, listBackfillWindows } from "../app/backfills/list-backfills.ts";
import type { previewBackfill } from "../app/backfills/preview-backfill.ts";
import type { BackfillService } from "../gen/stellaops/orchestrator/v1/backfill_pb.ts";
import { auditOf } from "./audit.ts";
import {
  backfillMessage,
  backfillWindowMessage,
  previewMessage,
  readBackfillSpec,
  windowStateOf,
} from "./backfill-message.ts";
import { alreadyExists, failedPrecondition, invalidArgument, notFound } from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { payloadTooLarge } from "./job-write.ts";
import { pageTokenInvalid } from "./page-tokens.ts";
import { seriesNotFound } from "./watermark-service.ts";

type Moved =
  | { readonly kind: "moved"; readonly backfill: Backfill }
  | { readonly kind: "not_found" }
  | { readonly kind: "finished" };

/** The use cases behind the service. */
export interface BackfillServicePorts {
  readonly preview: ReturnType<typeof previewBackfill>;
  readonly create: (
    tenant: string,
    requestId: string | undefined,
    spec: BackfillSpec,
    audit: Audit,
  ) => Promise<CreateBackfillResult>;
  readonly read: (tenant: string, id: string) => Promise<Backfill | undefined>;
  readonly list: ReturnType<typeof listBackfills>;
  readonly windows: ReturnType<typeof listBackfillWindows>;
  readonly move: (
    move: "pause" | "resume" | "cancel",
    tenant: string,
    id: string,
    audit: Audit,
  ) => Promise<Moved>;
}

type Backfills = ServiceImpl<typeof BackfillService>;

/** BackfillService: translates, and leaves the work to the use cases. */
export const backfillService = (ports: BackfillServicePorts): Backfills => ({
  async previewBackfill(request, context) {
    const spec = readBackfillSpec(request.spec);
    const result = await ports.preview(tenantOf(context), spec);
    if (result.kind !== "preview") throw refused(result, spec);
    return previewMessage(spec.scope, result);
  },

  async createBackfill(request, context) {
    const tenant = tenantOf(context);
    const spec = readBackfillSpec(request.spec);
    const requestId = request.requestId.toLowerCase() || undefined;
    const result = await ports.create(tenant, requestId, spec, auditOf(request, context));
    switch (result.kind) {
      case "created":
      case "existing": {
        const backfill = backfillMessage(await find(ports, tenant, result.id));
        return { backfill, alreadyExisted: result.kind === "existing" };
      }
      case "conflict":
        throw alreadyExists("REQUEST_ID_CONFLICT", { requestId: result.id });
      case "payload_too_large":
        throw payloadTooLarge("spec.job.payload", result.bytes, result.maxBytes);
      case "payload_artifact_not_found":
        throw failedPrecondition("PAYLOAD_ARTIFACT_NOT_FOUND", { digest: result.digest });
      default:
        throw refused(result, spec);
    }
  },

  ...reads(ports),
  ...moves(ports),
});

const reads = (
  ports: BackfillServicePorts,
): Pick<Backfills, "getBackfill" | "listBackfills" | "listBackfillWindows"> => ({
  async getBackfill(request, context) {
    const id = request.backfillId.toLowerCase();
    return { backfill: backfillMessage(await find(ports, tenantOf(context), id)) };
  },

  async listBackfills(request, context) {
    const result = await ports.list(tenantOf(context), request.source, request);
    if (result.kind !== "page") throw pageTokenInvalid();
    const backfills = result.items.map((backfill) => backfillMessage(backfill, false));
    return { backfills, nextPageToken: result.nextPageToken };
  },

  async listBackfillWindows(request, context) {
    const id = request.backfillId.toLowerCase();
    const state = windowStateOf(request.state);
    const result = await ports.windows(tenantOf(context), id, state, request);
    if (result === undefined) throw backfillNotFound(id);
    if (result.kind !== "page") throw pageTokenInvalid();
    const windows = result.items.map(backfillWindowMessage);
    return { windows, nextPageToken: result.nextPageToken };
  },
});

type MoveRequest = {
  readonly backfillId: string;
  readonly reason: string;
  readonly ticket: string;
};

const moves = (
  ports: BackfillServicePorts,
): Pick<Backfills, "pauseBackfill" | "resumeBackfill" | "cancelBackfill"> => {
  const by =
    (move: "pause" | "resume" | "cancel") =>
    async (request: MoveRequest, context: HandlerContext) => {
      const id = request.backfillId.toLowerCase();
      const result = await ports.move(move, tenantOf(context), id, auditOf(request, context));
      switch (result.kind) {
        case "not_found":
          throw backfillNotFound(id);
        case "finished":
          throw failedPrecondition("BACKFILL_FINISHED", { backfillId: id });
        case "moved":
          return { backfill: backfillMessage(result.backfill) };
      }
    };
  return { pauseBackfill: by("pause"), resumeBackfill: by("resume"), cancelBackfill: by("cancel") };
};

const backfillNotFound = (backfillId: string) => notFound("BACKFILL_NOT_FOUND", { backfillId });

async function find(ports: BackfillServicePorts, tenant: string, id: string): Promise<Backfill> {
  const backfill = await ports.read(tenant, id);
  if (backfill === undefined) throw backfillNotFound(id);
  return backfill;
}

function refused(result: BackfillRefused, { source, scope }: BackfillSpec) {
  if (result.kind === "series_not_found") return seriesNotFound(source, scope);
  const { windows, maxWindows } = result;
  const description = `has ${windows} windows, at most ${maxWindows} fit into a backfill`;
  const violations = [{ field: "spec.end_time", description }];
  return invalidArgument("BACKFILL_TOO_LARGE", violations, { windows, maxWindows });
}
