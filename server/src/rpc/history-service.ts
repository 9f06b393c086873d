import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { ActionView, listActions } from "../app/history/list-actions.ts";
import {
  type Action,
  ActionSchema,
  type HistoryService,
} from "../gen/stellaops/orchestrator/v1/history_pb.ts";
import { invalidArgument } from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { orUndefined } from "./job-read.ts";
import { pageTokenInvalid } from "./page-tokens.ts";

/** HistoryService: translates, and leaves the work to the use case. */
export const historyService = (ports: {
  readonly list: ReturnType<typeof listActions>;
}): ServiceImpl<typeof HistoryService> => ({
  async listActions(request, context) {
    const kind = orUndefined(request.targetKind);
    const name = orUndefined(request.targetName);
    if (name !== undefined && kind === undefined) {
      const description = "must be set with target_name";
      throw invalidArgument("REQUEST_INVALID", [{ field: "target_kind", description }]);
    }
    const result = await ports.list(tenantOf(context), { kind, name }, request);
    if (result.kind !== "page") throw pageTokenInvalid();
    return { actions: result.items.map(actionMessage), nextPageToken: result.nextPageToken };
  },
});

const actionMessage = (action: ActionView): Action =>
  create(ActionSchema, {
    actionId: BigInt(action.id),
    time: timestampFromDate(action.at),
    kind: action.kind,
    targetKind: action.targetKind,
    targetName: action.targetName,
    actor: action.actor,
    reason: action.reason,
    ticket: action.ticket,
    detailJson: JSON.stringify(action.detail),
  });
