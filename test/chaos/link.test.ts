import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Link, openLink } from "./link.ts";

let link: Link;
let far: Socket[];
let heard: string;
let listener: ReturnType<typeof createServer>;
let onHeard: () => void;

beforeEach(async () => {
  far = [];
  heard = "";
  onHeard = () => {};
  listener = createServer((socket) => {
    far.push(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      heard += chunk;
      socket.write(`echo ${chunk}`);
      onHeard();
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  link = await openLink(() => ({ host: "127.0.0.1", port }));
});

afterEach(async () => {
  await link.close();
  for (const socket of far) socket.destroy();
  listener.close();
});

async function dial(): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port: link.port });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** However it ended: a reset is an error that was wanted. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.once("close", () => resolve()));

const answerTo = async (socket: Socket, text: string): Promise<string> => {
  socket.write(text);
  return String((await once(socket, "data"))[0]);
};

describe("a link", () => {
  it("carries bytes both ways", async () => {
    expect(await answerTo(await dial(), "a")).toBe("echo a");
  });

  it("cuts what is open and takes new connections", async () => {
    const socket = await dial();
    await answerTo(socket, "a");
    link.cut();
    await closed(socket);
    expect(await answerTo(await dial(), "b")).toBe("echo b");
  });

  it("refuses new connections while it is broken", async () => {
    link.break();
    const refused = connect({ host: "127.0.0.1", port: link.port });
    refused.on("error", () => {});
    await closed(refused);
    link.mend();
    expect(await answerTo(await dial(), "a")).toBe("echo a");
  });

  it("holds answers back while they are to be silent, and loses none", async () => {
    const socket = await dial();
    link.silence("down");
    const reached = new Promise<void>((resolve) => {
      onHeard = resolve;
    });
    socket.write("a");
    await reached;
    expect(socket.bytesRead).toBe(0);
    const answered = once(socket, "data");
    link.silence();
    expect(String((await answered)[0])).toBe("echo a");
  });

  it("delays bytes and keeps their order", async () => {
    const socket = await dial();
    await answerTo(socket, "0");
    link.delay(60);
    const sentMs = performance.now();
    socket.write("a");
    link.delay(40);
    socket.write("b");
    let text = "";
    while (!text.endsWith("b")) text += String((await once(socket, "data"))[0]);
    expect(performance.now() - sentMs).toBeGreaterThanOrEqual(80);
    expect(heard).toBe("0ab");
  });

  it.each([
    ["before", ""],
    ["after", "Qcommit\0"],
  ] as const)("cuts a connection %s its COMMIT", async (how, expected) => {
    const socket = await dial();
    link.cutNextCommit(how);
    const gone = closed(socket);
    const arrived = how === "after" ? new Promise<void>((resolve) => (onHeard = resolve)) : gone;
    socket.write("Qcommit\0");
    await Promise.all([gone, arrived]);
    expect(heard).toBe(expected);
    expect(link.commitsCut).toBe(1);
    // Once only.
    expect(await answerTo(await dial(), "Qcommit\0")).toBe("echo Qcommit\0");
  });
});
