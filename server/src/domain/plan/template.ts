/** A value of JSON. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** What parameters are bound to, by name. */
export type ParameterValues = Readonly<Record<string, JsonValue>>;

/** A place in a template that names a parameter, or that cannot be read (`name` undefined). */
export interface Placeholder {
  readonly name: string | undefined;
  /** The placeholder as it is written. */
  readonly text: string;
}

/** A placeholder of a JSON template and where it stands. */
export interface PlacedPlaceholder extends Placeholder {
  /** After the template's own path: `.window.start`, `.files[2]`, `["a b"]`. */
  readonly path: string;
}

/** The name of a parameter. */
export const PARAMETER_NAME = /^[a-z][a-z0-9_]{0,62}$/;

/** How deep a JSON template may be nested: what is deeper is refused where it is written. */
export const MAX_DEPTH = 64;

// "$${" is how a literal "${" is written. A placeholder without its end is found as one, too.
const PLACEHOLDER = /\$\$\{|\$\{([^}]*)(\}?)/g;

/** The placeholders of a text, in order. `$${` is none. */
export function placeholdersIn(text: string): Placeholder[] {
  const found: Placeholder[] = [];
  for (const [written, name, end] of text.matchAll(PLACEHOLDER)) {
    if (name === undefined) continue;
    const isSound = end === "}" && PARAMETER_NAME.test(name);
    found.push({ name: isSound ? name : undefined, text: written });
  }
  return found;
}

/** The placeholders in the strings of a JSON value, in order. Keys of objects hold none. */
export function placeholdersInJson(template: JsonValue): PlacedPlaceholder[] {
  if (typeof template === "string") {
    return placeholdersIn(template).map((placeholder) => ({ ...placeholder, path: "" }));
  }
  if (template === null || typeof template !== "object") return [];
  return membersOf(template).flatMap(([step, member]) =>
    placeholdersInJson(member).map((placed) => ({ ...placed, path: step + placed.path })),
  );
}

/** Whether a JSON value is nested deeper than {@link MAX_DEPTH}. Stops there. */
export function isTooDeep(template: JsonValue, depth = 0): boolean {
  if (template === null || typeof template !== "object") return false;
  if (depth >= MAX_DEPTH) return true;
  return Object.values(template).some((member) => isTooDeep(member, depth + 1));
}

/**
 * A text with each `${name}` replaced by the parameter's text: strings as they are, anything else
 * as JSON. `$${` becomes `${`. What is put in is not looked at again. Throws on a parameter without
 * a value, and on a placeholder that cannot be read: both are found when a pipeline is stored.
 */
export function renderText(text: string, values: ParameterValues): string {
  return text.replace(PLACEHOLDER, (written: string, name: string | undefined, end: string) => {
    if (name === undefined) return "${";
    if (end !== "}") throw new Error(`the placeholder ${written} has no end`);
    const value = boundTo(name, values);
    return typeof value === "string" ? value : JSON.stringify(value);
  });
}

/**
 * A JSON value with the placeholders of its strings replaced. A string that is nothing but one
 * `${name}` becomes the parameter's value with its type; within a longer string it is text, as
 * {@link renderText} has it. Keys of objects stay as they are.
 */
export function renderTemplate(template: JsonValue, values: ParameterValues): JsonValue {
  if (typeof template === "string") {
    const [first] = placeholdersIn(template);
    const isAlone = first?.name !== undefined && first.text === template;
    return isAlone ? boundTo(first.name, values) : renderText(template, values);
  }
  if (template === null || typeof template !== "object") return template;
  if (isArray(template)) return template.map((member) => renderTemplate(member, values));
  // Not by assignment: a key may be "__proto__".
  return Object.fromEntries(
    Object.entries(template).map(([key, member]) => [key, renderTemplate(member, values)]),
  );
}

function boundTo(name: string, values: ParameterValues): JsonValue {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value === undefined) throw new Error(`the parameter ${name} has no value`);
  return value;
}

function membersOf(template: Exclude<JsonValue, null | boolean | number | string>) {
  if (isArray(template)) return template.map((member, at) => [`[${at}]`, member] as const);
  return Object.entries(template).map(([key, member]) => [stepTo(key), member] as const);
}

const stepTo = (key: string) => (/^\w+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`);

// Array.isArray does not narrow a readonly array.
const isArray = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);
