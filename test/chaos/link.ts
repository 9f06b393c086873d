import { once } from "node:events";
import {
  type AddressInfo,
  connect,
  createServer,
  type NetConnectOpts,
  type Socket,
} from "node:net";

/** Which way bytes go: from the one who dialled, or to them. */
export type Direction = "up" | "down";

/** Whether a connection is cut before Postgres sees the COMMIT, or after. */
export type CommitCut = "before" | "after";

/** A TCP link that can be cut, slowed down and silenced. */
export interface Link {
  readonly port: number;
  /** Resets every connection. */
  cut(): void;
  /** Resets every connection and refuses new ones until {@link mend}. */
  break(): void;
  mend(): void;
  /** Bytes take this much longer; 0 for none. */
  delay(ms: number): void;
  /** Holds bytes of these directions back without a word, until told otherwise. */
  silence(...directions: readonly Direction[]): void;
  /** Resets the next connection that sends a COMMIT; undefined: not any more. */
  cutNextCommit(how: CommitCut | undefined): void;
  /** How many connections {@link cutNextCommit} has cut. */
  readonly commitsCut: number;
  close(): Promise<void>;
}

interface State {
  isBroken: boolean;
  delayMs: number;
  readonly silent: Set<Direction>;
  commitCut: CommitCut | undefined;
  commitsCut: number;
  readonly pairs: Set<Pair>;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  pump(): void;
}

// A simple query of Postgres's protocol ends with a zero byte.
const COMMIT = Buffer.from("commit\0");

/**
 * Opens a link. `target` is asked at each connection where it leads; undefined means nowhere, and
 * the connection is reset.
 */
export async function openLink(target: () => NetConnectOpts | undefined): Promise<Link> {
  const state: State = {
    isBroken: false,
    delayMs: 0,
    silent: new Set(),
    commitCut: undefined,
    commitsCut: 0,
    pairs: new Set(),
  };
  const listener = createServer((near) => {
    near.on("error", () => {}); // reset on purpose
    const end = state.isBroken ? undefined : target();
    if (end === undefined) near.resetAndDestroy();
    else join(near, connect(end), state);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const cut = () => {
    for (const { near, far } of state.pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  };
  return {
    port: (listener.address() as AddressInfo).port,
    cut,
    break() {
      state.isBroken = true;
      cut();
    },
    mend() {
      state.isBroken = false;
    },
    delay(ms) {
      state.delayMs = ms;
      for (const pair of state.pairs) pair.pump();
    },
    silence(...directions) {
      state.silent.clear();
      for (const direction of directions) state.silent.add(direction);
      for (const pair of state.pairs) pair.pump();
    },
    cutNextCommit(how) {
      state.commitCut = how;
    },
    get commitsCut() {
      return state.commitsCut;
    },
    async close() {
      cut();
      listener.close();
      await once(listener, "close");
    },
  };
}

function join(near: Socket, far: Socket, state: State): void {
  const up = lane(near, far, "up", state);
  const down = lane(far, near, "down", state);
  const pair: Pair = {
    near,
    far,
    pump() {
      up.pump();
      down.pump();
    },
  };
  state.pairs.add(pair);
  far.on("error", () => near.resetAndDestroy());
  far.on("close", () => down.end());
  near.on("close", () => {
    state.pairs.delete(pair);
    far.destroy();
  });
  near.on("data", (chunk) => {
    if (state.commitCut !== undefined && chunk.includes(COMMIT)) cutAtCommit(pair, chunk, state);
    else up.push(chunk);
  });
  far.on("data", (chunk) => down.push(chunk));
}

function cutAtCommit(pair: Pair, chunk: Buffer, state: State): void {
  const { near, far } = pair;
  const how = state.commitCut;
  state.commitCut = undefined;
  state.commitsCut++;
  // Postgres reads what came before the end of the connection, and commits.
  if (how === "after") far.end(chunk);
  state.pairs.delete(pair);
  near.removeAllListeners("close");
  near.resetAndDestroy();
  if (how === "before") far.destroy();
}

interface Lane {
  push(chunk: Buffer): void;
  pump(): void;
  /** No more comes: ends the other side when all has been passed on. */
  end(): void;
}

/** Bytes that go one way, each no earlier than its time, in their order. */
function lane(from: Socket, to: Socket, direction: Direction, state: State): Lane {
  const waiting: { readonly chunk: Buffer; readonly dueMs: number }[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const pump = () => {
    clearTimeout(timer);
    timer = undefined;
    if (to.destroyed) return;
    while (!state.silent.has(direction)) {
      const next = waiting[0];
      if (next === undefined) break;
      const inMs = next.dueMs - performance.now();
      if (inMs > 0 && state.delayMs > 0) {
        timer = setTimeout(pump, inMs);
        return;
      }
      waiting.shift();
      to.write(next.chunk);
    }
    if (waiting.length === 0) {
      from.resume();
      if (isOver) to.end();
    }
  };
  return {
    push(chunk) {
      waiting.push({ chunk, dueMs: performance.now() + state.delayMs });
      // Held back in the kernel from here on, as in a network that swallows packets.
      if (state.silent.has(direction)) from.pause();
      if (timer === undefined) pump();
    },
    pump,
    end() {
      isOver = true;
      pump();
    },
  };
}
