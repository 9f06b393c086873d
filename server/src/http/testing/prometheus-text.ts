/** A metric as an exposition shows it. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: Map<string, number>;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = `[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"`;
const SAMPLE = new RegExp(`^(${NAME})(\\{${LABEL}(?:,${LABEL})*\\})? (\\S+)$`);
const NUMBER = /^(?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]Inf|NaN)$/i;
const TYPES = new Set(["counter", "gauge", "histogram", "summary"]);

/**
 * Reads the text format of Prometheus, version 0.0.4, and throws at whatever it does not allow:
 * samples without HELP and TYPE before them, samples out of their family, the same series twice.
 * Samples are by their name and labels as written, such as `a_total{kind="b"}`.
 */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, Family>();
  let help: { name: string; text: string } | undefined;
  let family: Family | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    if (line === "") continue;
    const helped = new RegExp(`^# HELP (${NAME}) (.+)$`).exec(line);
    if (helped !== null) {
      help = { name: String(helped[1]), text: String(helped[2]) };
      continue;
    }
    const typed = new RegExp(`^# TYPE (${NAME}) (\\w+)$`).exec(line);
    if (typed !== null) {
      family = opened(String(typed[1]), String(typed[2]), help);
      if (families.has(family.name)) throw new Error(`${family.name} is there twice`);
      families.set(family.name, family);
      continue;
    }
    if (line.startsWith("#")) throw new Error(`neither HELP nor TYPE: ${line}`);
    if (family === undefined) throw new Error(`no TYPE before: ${line}`);
    addSample(family, line);
  }
  return families;
}

function opened(name: string, type: string, help: { name: string; text: string } | undefined) {
  if (!TYPES.has(type)) throw new Error(`${name} is a ${type}`);
  if (help?.name !== name) throw new Error(`${name} has no HELP before its TYPE`);
  return { name, type, help: help.text, samples: new Map<string, number>() };
}

function addSample(family: Family, line: string): void {
  const [, name = "", labels = "", value = ""] = SAMPLE.exec(line) ?? [];
  if (name === "" || !NUMBER.test(value)) throw new Error(`no sample: ${line}`);
  const suffix = name.startsWith(family.name) ? name.slice(family.name.length) : undefined;
  const allowed = {
    histogram: ["_bucket", "_sum", "_count"],
    summary: ["", "_sum", "_count"],
  }[family.type] ?? [""];
  if (suffix === undefined || !allowed.includes(suffix)) {
    throw new Error(`${name} is not of ${family.name}`);
  }
  const series = `${name}${labels}`;
  if (family.samples.has(series)) throw new Error(`${series} is there twice`);
  family.samples.set(series, Number(value.replace(/^([+-])Inf$/, "$1Infinity")));
}
