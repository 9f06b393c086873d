import { invalidArgument } from "./errors.ts";

/** INVALID_ARGUMENT (PAGE_TOKEN_INVALID): the token is not one of this list. */
export const pageTokenInvalid = () =>
  invalidArgument("PAGE_TOKEN_INVALID", [
    { field: "page_token", description: "must come from the page before, with the same filter" },
  ]);
