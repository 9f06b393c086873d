import { randomBytes } from "node:crypto";
import { v7 } from "uuid";

/** A new UUIDv7: unique, and ordered by time within this process. */
export const newId = (): string => v7();

/** A new lease token: 96 random bits as 16 characters, compared for equality only. */
export const newLeaseToken = (): string => randomBytes(12).toString("base64url");
