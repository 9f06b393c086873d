import { type Component, localComponent, type Use } from "../component.ts";
import { ManifestError } from "../manifest-error.ts";
import { optionalTable, optionalText, type Table, type Unchecked } from "./document.ts";
import type { Requirement } from "./pep508.ts";
import { pythonComponent } from "./python-package.ts";

/** The components that `[tool.poetry]` asks for: main, groups, and the old dev-dependencies. */
export function poetryComponents(manifest: string, poetry: Table): Component[] {
  const groups = optionalTable(manifest, "tool.poetry.group", poetry.group);
  const dev = section(manifest, "dev-dependencies", poetry["dev-dependencies"], "development");
  return [
    ...section(manifest, "dependencies", poetry.dependencies, "required"),
    ...dev,
    ...Object.entries(groups).flatMap(([name, value]) => {
      const group = optionalTable(manifest, `tool.poetry.group.${name}`, value);
      // Poetry treats a group called "main" as the dependencies themselves.
      const use = name === "main" ? "required" : "development";
      return section(manifest, `group.${name}.dependencies`, group.dependencies, use);
    }),
  ];
}

function section(manifest: string, name: string, value: Unchecked, use: Use): Component[] {
  const what = `tool.poetry.${name}`;
  return Object.entries(optionalTable(manifest, what, value))
    .filter(([name]) => name !== "python")
    .flatMap(([name, said]) => {
      // A list has one constraint per environment.
      const constraints = Array.isArray(said) ? said : [said];
      return constraints.map((c) => component(manifest, `${what}.${name}`, name, c, use));
    });
}

function component(
  manifest: string,
  what: string,
  name: string,
  said: Unchecked,
  use: Use,
): Component {
  if (typeof said === "string") return pythonComponent(requirement(name, said), { use });
  if (typeof said !== "object" || said === null)
    throw new ManifestError(manifest, undefined, `${what} should be a text or an object`);
  const entry = said as Table;
  const place = optionalText(manifest, `${what}.path`, entry.path);
  if (place !== undefined) return localComponent({ manifest, place }, { name, use });
  const version = optionalText(manifest, `${what}.version`, entry.version) ?? "";
  const url = originUrl(manifest, what, entry);
  const marker = optionalText(manifest, `${what}.markers`, entry.markers);
  const extras = Array.isArray(entry.extras)
    ? entry.extras.filter((extra) => typeof extra === "string")
    : [];
  const isOptional = entry.optional === true && use === "required";
  return pythonComponent(
    { ...requirement(name, version), url, marker, extras },
    { use: isOptional ? "optional" : use },
  );
}

/** Poetry's bare "1.2.3" is exact, where PEP 508 writes "==1.2.3". */
function requirement(name: string, constraint: string): Requirement {
  const spaceless = constraint.replace(/\s+/g, "");
  const isExact = /^\d[0-9A-Za-z.+!-]*$/.test(spaceless);
  const specifier = isExact ? `==${spaceless}` : spaceless;
  return { name, extras: [], specifier, url: undefined, marker: undefined };
}

function originUrl(manifest: string, what: string, entry: Table): string | undefined {
  const git = optionalText(manifest, `${what}.git`, entry.git);
  if (git === undefined) return optionalText(manifest, `${what}.url`, entry.url);
  const at = entry.rev ?? entry.tag ?? entry.branch;
  return `git+${git}${typeof at === "string" ? `@${at}` : ""}`;
}
