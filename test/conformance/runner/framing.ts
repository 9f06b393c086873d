/** The largest message that may follow a length. */
const MAX_MESSAGE_BYTES = 16 * 2 ** 20;

/** A message with its length in front, as it goes over a pipe. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(4 + message.length);
  frame.writeUInt32BE(message.length);
  frame.set(message, 4);
  return frame;
}

/** Cuts a byte stream into the messages that {@link framed} put into it. */
export class Deframer {
  #rest: Buffer = Buffer.alloc(0);

  /** The messages that are complete with this chunk. Throws when a length cannot be one. */
  *push(chunk: Buffer): Generator<Buffer> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 4) {
      const length = this.#rest.readUInt32BE();
      if (length > MAX_MESSAGE_BYTES) {
        throw new RangeError(`a message of ${length} bytes: was something else written here?`);
      }
      if (this.#rest.length < 4 + length) return;
      yield this.#rest.subarray(4, 4 + length);
      this.#rest = this.#rest.subarray(4 + length);
    }
  }
}
