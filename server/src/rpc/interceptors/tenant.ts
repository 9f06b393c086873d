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

/** The tenant that a header names, the default without one; undefined for one that cannot be. */
export function tenantIn(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return DEFAULT_TENANT;
  return typeof header === "string" && TENANT_PATTERN.test(header) ? header : undefined;
}

/** Puts a tenant into the values of a context. */
export const setTenant = (values: ContextValues, tenant: string): ContextValues =>
  values.set(tenantKey, tenant);

/**
 * Puts the tenant of the header into the context. A tenant with characters or a length that the
 * contract does not allow is INVALID_ARGUMENT (TENANT_INVALID); the value is not echoed, as it
 * may be anything.
 */
export function tenantInterceptor(): Interceptor {
  return (next) => (request) => {
    if (EXEMPT.test(request.service.typeName)) return next(request);
    const tenant = tenantIn(request.header.get(TENANT_HEADER) ?? undefined);
    if (tenant === undefined) throw tenantInvalid();
    setTenant(request.contextValues, tenant);
    return next(request);
  };
}

function tenantInvalid() {
  const description = `header ${TENANT_HEADER} must match ${TENANT_PATTERN.source}`;
  return invalidArgument("TENANT_INVALID", [{ field: TENANT_HEADER, description }]);
}
