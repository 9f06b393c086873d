/**
 * A manifest that cannot be understood: the scan of it can never succeed.
 *
 * The message opens with `file:line:` (or `file:`) so that it can be clicked in a terminal.
 */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
  /** Path of the manifest, relative to the scanned root, with `/` between its parts. */
  readonly file: string;
  /** Line of the fault, from 1; undefined where the format or its parser does not tell. */
  readonly line: number | undefined;

  constructor(file: string, line: number | undefined, reason: string) {
    super(`${file}:${line === undefined ? "" : `${line}:`} ${reason}`);
    this.file = file;
    this.line = line;
  }
}
