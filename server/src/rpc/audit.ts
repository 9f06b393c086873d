import type { HandlerContext } from "@connectrpc/connect";
import type { Audit } from "../app/audit.ts";
import { actorOf } from "./interceptors/actor.ts";

/** Who asks for a change, and why. */
export const auditOf = (
  request: { readonly reason: string; readonly ticket: string },
  context: HandlerContext,
): Audit => ({ actor: actorOf(context), reason: request.reason, ticket: request.ticket });
