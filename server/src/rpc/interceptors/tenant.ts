import { type ContextValues, createContextKey, type Interceptor } from "@connectrpc/connect";
import { invalidArgument } from "../errors.ts";

/** The request header that names the tenant, until Authority's tokens do. */
export const TENANT_HEADER = "orch-tenant";

/** The tenant of a request without the header. */
export const DEFAULT_TENANT = "default";

const TENANT_PATTERN = /^[a-z0-9][a-z0-9._-]{0,62}$/;

// Callers of these have no tenant: load balancers and grpcurl.
const EXEMPT = /^grpc\.(health|reflection)\./;

const tenantKey = createContextKey(DEFAULT_TENANT, { description: "tenant" });

/** The tenant that a request acts for. Valid in handlers, after the tenant interceptor. */
export function tenantOf(context: { readonly values: ContextValues }): string {
  return context.values.get(tenantKey);
}

/**
 * Puts the tenant of the header into the context. A tenant with characters or a length that the
 * contract does not allow is INVALID_ARGUMENT (TENANT_INVALID); the value is not echoed, as it
 * may be anything.
 */
export function tenantInterceptor(): Interceptor {
  return (next) => (request) => {
    if (EXEMPT.test(request.service.typeName)) return next(request);
    const tenant = request.header.get(TENANT_HEADER);
    if (tenant !== null) {
      if (!TENANT_PATTERN.test(tenant)) throw tenantInvalid();
      request.contextValues.set(tenantKey, tenant);
    }
    return next(request);
  };
}

function tenantInvalid() {
  const description = `header ${TENANT_HEADER} must match ${TENANT_PATTERN.source}`;
  return invalidArgument("TENANT_INVALID", [{ field: TENANT_HEADER, description }]);
}
