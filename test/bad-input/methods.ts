import type { DescMethod } from "@bufbuild/protobuf";
import { SERVICES } from "../../server/src/rpc/testing/clients.ts";

/** Every RPC of the contract, out of its descriptors: a new one is in here by itself. */
export const METHODS: readonly DescMethod[] = SERVICES.flatMap((service) => [...service.methods]);

/** Such as "JobService/GetJob". */
export const nameOf = (method: DescMethod): string => `${method.parent.name}/${method.name}`;

/** The method of that name. */
export function methodOf(name: string): DescMethod {
  const found = METHODS.find((method) => nameOf(method) === name);
  if (found === undefined) throw new Error(`the contract has no ${name}`);
  return found;
}
