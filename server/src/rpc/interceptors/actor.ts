import { type ContextValues, createContextKey, type Interceptor } from "@connectrpc/connect";
import { invalidArgument } from "../errors.ts";

/** The request header that names who acts, until Authority's tokens do. Nobody verifies it. */
export const ACTOR_HEADER = "orch-actor";

/** Who acts in a request without the header. */
const DEFAULT_ACTOR = "operator";

// Printable ASCII. No comma: a header that stands twice comes joined by one, and names nobody.
const ACTOR_PATTERN = /^[\x20-\x2b\x2d-\x7e]{1,128}$/;

const actorKey = createContextKey(DEFAULT_ACTOR, { description: "actor" });

/** Who a request says is acting, for the history. */
export const actorOf = (context: { readonly values: ContextValues }): string =>
  context.values.get(actorKey);

/**
 * Puts the actor of the header into the context. One that cannot be is INVALID_ARGUMENT
 * (ACTOR_INVALID); the value is not echoed, as it may be anything.
 */
export function actorInterceptor(): Interceptor {
  return (next) => (request) => {
    const actor = request.header.get(ACTOR_HEADER);
    if (actor !== null) {
      if (!ACTOR_PATTERN.test(actor)) throw actorInvalid();
      request.contextValues.set(actorKey, actor);
    }
    return next(request);
  };
}

function actorInvalid() {
  const description = "must have 1 to 128 printable ASCII characters and no comma";
  return invalidArgument("ACTOR_INVALID", [
    { field: ACTOR_HEADER, description: `header ${ACTOR_HEADER} ${description}` },
  ]);
}
