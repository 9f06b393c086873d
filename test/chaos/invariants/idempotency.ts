import type { Ack, Intent } from "../history.ts";
import type { Invariant, Violation } from "./invariant.ts";

interface KeyUse {
  readonly wishes: Intent[];
  readonly acks: { readonly ack: Ack; readonly wish: Intent }[];
  readonly stored: { readonly id: string; readonly nonce: string | undefined }[];
}

/** 3: one idempotency key is one job, and everybody who used it gets the same answer. */
export const oneJobPerKey: Invariant = {
  number: "3",
  title: "one idempotency key, one job, one answer",
  check({ intents, acks, jobs }) {
    const uses = new Map<string, KeyUse>();
    const useOf = (tenant: string, key: string): KeyUse => {
      const id = `${tenant} ${key}`;
      const use = uses.get(id) ?? { wishes: [], acks: [], stored: [] };
      uses.set(id, use);
      return use;
    };
    const wished = new Map(intents.map((intent) => [intent.nonce, intent]));
    for (const wish of intents) {
      if (wish.idempotencyKey !== undefined) {
        useOf(wish.tenant, wish.idempotencyKey).wishes.push(wish);
      }
    }
    for (const ack of acks) {
      const wish = wished.get(ack.nonce);
      if (wish?.idempotencyKey === undefined) continue;
      useOf(wish.tenant, wish.idempotencyKey).acks.push({ ack, wish });
    }
    for (const { tenant, idempotencyKey, id, nonce } of jobs) {
      if (idempotencyKey !== undefined) useOf(tenant, idempotencyKey).stored.push({ id, nonce });
    }
    const violations = [...uses].flatMap(([key, use]) => brokenIn(key, use, wished));
    return { checked: uses.size, violations };
  },
  leastChecked: () => 1,
};

function brokenIn(
  key: string,
  { acks, stored }: KeyUse,
  wished: ReadonlyMap<string, Intent>,
): Violation[] {
  const found: Violation[] = [];
  const [job] = stored;
  if (stored.length > 1) {
    const ids = stored.map(({ id }) => id).join(", ");
    found.push({ jobId: job?.id ?? "", text: `key ${key} made ${stored.length} jobs: ${ids}` });
  }
  if (job === undefined) return found;
  const content = wished.get(job.nonce ?? "")?.content;
  for (const { ack, wish } of acks) {
    const isSame = wish.content === content;
    if (ack.outcome === "conflict" && isSame) {
      found.push({ jobId: job.id, text: `key ${key}: the same content was called a conflict` });
    } else if (ack.outcome !== "conflict" && !isSame) {
      found.push({ jobId: job.id, text: `key ${key}: other content was called ${ack.outcome}` });
    } else if (ack.outcome !== "conflict" && ack.jobId !== job.id) {
      found.push({ jobId: job.id, text: `key ${key} was answered with ${ack.jobId}` });
    }
  }
  return found;
}
