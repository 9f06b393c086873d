import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PageRequest, readPage } from "./page.ts";

const scope = { tenant: "a", list: "numbers", query: {} };

/** The numbers from 1 to `count`, as a list of them would be written. */
const numbers = (count: number) => {
  const all = Array.from({ length: count }, (_, index) => ({ id: index + 1 }));
  return {
    scope,
    read: async (after: string, limit: number) =>
      all.filter(({ id }) => id > Number(after)).slice(0, limit),
    positionOf: ({ id }: { readonly id: number }) => `${id}`,
  };
};

async function shown(asked: PageRequest, list: Parameters<typeof readPage<{ id: number }>>[1]) {
  const page = await readPage(asked, list);
  if (page.kind !== "page") throw new Error(page.kind);
  return { ids: page.items.map(({ id }) => id), nextPageToken: page.nextPageToken };
}

describe("the pages of a list", () => {
  it("have each item once and in order, none is empty, and the last says that it is", () =>
    fc.assert(
      fc.asyncProperty(
        fc.nat(30),
        fc.integer({ min: 1, max: 10 }),
        fc.array(fc.integer({ min: 1, max: 3 * 1024 * 1024 }), { minLength: 30, maxLength: 30 }),
        async (count, pageSize, sizes) => {
          const bytesOf = ({ id }: { id: number }) => sizes[id - 1] ?? 0;
          const found: number[] = [];
          let pageToken = "";
          do {
            const page = await shown({ pageSize, pageToken }, { ...numbers(count), bytesOf });
            const bytes = page.ids.reduce((sum, id) => sum + bytesOf({ id }), 0);
            expect(page.ids.length).toBeLessThanOrEqual(pageSize);
            expect(page.ids.length === 1 || bytes <= 2 * 1024 * 1024).toBe(true);
            expect(page.ids.length > 0 || count === 0).toBe(true);
            found.push(...page.ids);
            pageToken = page.nextPageToken;
          } while (pageToken !== "");
          expect(found).toEqual(Array.from({ length: count }, (_, index) => index + 1));
        },
      ),
    ));

  it("have 100 items where nobody says how many, or what the list says", async () => {
    const first = { pageSize: 0, pageToken: "" };
    expect((await shown(first, numbers(300))).ids).toHaveLength(100);
    expect((await shown(first, { ...numbers(300), defaultSize: 200 })).ids).toHaveLength(200);
    const all = await shown({ pageSize: 300, pageToken: "" }, numbers(300));
    expect(all).toMatchObject({ ids: { length: 300 }, nextPageToken: "" });
  });

  it("end early where the JSON of the items gets large", async () => {
    const text = "x".repeat(200_000);
    const list = numbers(10);
    const read = async (after: string, limit: number) =>
      (await list.read(after, limit)).map((one) => ({ ...one, text }));
    // Three bytes for each unit: three fit into 2 MiB.
    expect((await shown({ pageSize: 10, pageToken: "" }, { ...list, read })).ids).toHaveLength(3);
  });

  it("need a token of the same list, and what the list belongs to", async () => {
    const { nextPageToken: pageToken } = await shown({ pageSize: 1, pageToken: "" }, numbers(2));
    const elsewhere = { ...numbers(2), scope: { ...scope, tenant: "b" } };
    const invalid = { kind: "page_token_invalid" };
    expect(await readPage({ pageSize: 1, pageToken }, elsewhere)).toEqual(invalid);
    const gone = { ...numbers(2), read: async () => undefined };
    const page = await readPage<{ id: number }, undefined>({ pageSize: 1, pageToken }, gone);
    expect(page).toBeUndefined();
  });
});
