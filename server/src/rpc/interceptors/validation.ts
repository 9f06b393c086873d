import type { DescMessage, Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Validator, type Violation } from "@bufbuild/protovalidate";
import type { Interceptor } from "@connectrpc/connect";
import { type FieldViolation, invalidArgument } from "../errors.ts";
import { tapStream } from "./stream.ts";

// A request can break thousands of rules; the answer stays readable and small.
const MAX_VIOLATIONS = 50;

/**
 * Makes the validator of the contract's rules. Rules are compiled at first use of each message
 * type and kept.
 *
 * Patterns run on the platform's RegExp instead of the RE2 port that is the library's default:
 * they come out of our own contract, never from a caller, and none of them can backtrack badly.
 * docs/adr/0011 has what that saves.
 */
export function createContractValidator(): Validator {
  const compiled = new Map<string, RegExp>();
  return createValidator({
    regexMatch: (pattern, against) => {
      let expression = compiled.get(pattern);
      if (expression === undefined) {
        expression = new RegExp(pattern, "u");
        compiled.set(pattern, expression);
      }
      return expression.test(against);
    },
  });
}

/**
 * Refuses request messages that break a rule of the contract, each message of a stream included:
 * INVALID_ARGUMENT (REQUEST_INVALID) with a violation for each broken rule, at most 50.
 */
export function validationInterceptor(validator = createContractValidator()): Interceptor {
  return (next) => (request) => {
    const input: DescMessage = request.method.input;
    if (!request.stream) {
      check(validator, input, request.message);
      return next(request);
    }
    const message = tapStream<Message>(request.message, {
      each: (value) => check(validator, input, value),
    });
    return next({ ...request, message });
  };
}

function check(validator: Validator, schema: DescMessage, message: Message): void {
  const result = validator.validate(schema, message);
  if (result.kind === "valid") return;
  // A rule that cannot be compiled or run is our bug, not the caller's: it becomes INTERNAL.
  if (result.kind === "error") throw result.error;
  const violations = result.violations.slice(0, MAX_VIOLATIONS).map(fieldViolation);
  throw invalidArgument("REQUEST_INVALID", violations, { violations: result.violations.length });
}

function fieldViolation(violation: Violation): FieldViolation {
  return {
    field: pathToString(violation.field),
    description: violation.message,
    reason: violation.ruleId.replaceAll(/[^A-Za-z0-9]+/g, "_").toUpperCase(),
  };
}
