/** A statement: its text, the name it is prepared under, and the types of what goes in and out. */
export interface Statement<Params extends readonly unknown[], Row> {
  readonly name: string;
  readonly text: string;
  /** Never set; carries the types. */
  readonly types?: { readonly params: Params; readonly row: Row };
}

/**
 * Declares a statement. The name must be unique: it is the name of the prepared statement, and
 * Postgres keeps one plan per name and connection.
 */
export const sql = <Params extends readonly unknown[], Row>(
  name: string,
  text: string,
): Statement<Params, Row> => ({ name, text });

/** Recognises a statement among a module's exports, for the test that prepares them all. */
export const isStatement = (value: unknown): value is Statement<readonly unknown[], unknown> =>
  typeof value === "object" && value !== null && "name" in value && "text" in value;
