/**
 * A text has a character that the ledger cannot hold: U+0000. The write was refused as a whole
 * and nothing changed; repeating it does not help.
 */
export class InvalidText extends Error {
  override readonly name = "InvalidText";

  constructor(cause: unknown) {
    super("texts must not contain the character U+0000", { cause });
  }
}
