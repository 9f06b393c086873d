import { expect, it } from "vitest";
import { Deframer, framed } from "./framing.ts";

it("finds messages however the pipe cuts them", () => {
  const messages = ["", "a", "bc".repeat(1000)].map((text) => Buffer.from(text));
  const bytes = Buffer.concat(messages.map(framed));
  for (const size of [1, 3, 700, bytes.length]) {
    const deframer = new Deframer();
    const found: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      for (const message of deframer.push(bytes.subarray(at, at + size))) {
        found.push(message.toString());
      }
    }
    expect(found).toEqual(messages.map(String));
  }
});

it("refuses what is no frame, such as a line that a library printed", () => {
  expect(() => [...new Deframer().push(Buffer.from("hello world"))]).toThrow(/written here/);
});
