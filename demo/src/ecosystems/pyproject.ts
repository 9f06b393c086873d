import {
  type Component,
  localComponent,
  localRef,
  type ManifestTexts,
  type Use,
} from "../component.ts";
import { inventory } from "../inventory.ts";
import { ManifestError } from "../manifest-error.ts";
import {
  lineAt,
  optionalList,
  optionalTable,
  optionalText,
  parseToml,
  type Table,
  table,
  text,
  textOf,
  type Unchecked,
} from "./document.ts";
import { parseRequirement } from "./pep508.ts";
import { poetryComponents } from "./poetry.ts";
import { pythonComponent } from "./python-package.ts";

/** A requirement and how it is used. */
interface Wanted {
  readonly source: string;
  readonly use: Use;
}

/** Reads a pyproject.toml: PEP 621, PEP 735 groups, PEP 518 build requirements, and Poetry. */
export function scanPyproject(manifest: string, texts: ManifestTexts) {
  const content = textOf(texts, manifest);
  const document = parseToml(manifest, content);
  const project = optionalTable(manifest, "[project]", document.project);
  const tool = optionalTable(manifest, "[tool]", document.tool);
  const poetry = optionalTable(manifest, "[tool.poetry]", tool.poetry);
  const wanted = [
    ...projectRequirements(manifest, project),
    ...groupRequirements(manifest, document),
    ...buildRequirements(manifest, document),
  ];
  const components: Component[] = [
    ...wanted.map((w) => componentOf(manifest, content, w)),
    ...poetryComponents(manifest, poetry),
  ];
  const name = optionalText(manifest, "name", project.name ?? poetry.name) ?? manifest;
  const version = optionalText(manifest, "version", project.version ?? poetry.version);
  const refs = components.map((component) => component.ref);
  const root = localComponent({ manifest }, { name, version }, refs);
  return inventory("pypi", manifest, localRef(manifest), [root, ...components]);
}

function componentOf(manifest: string, content: string, { source, use }: Wanted): Component {
  const requirement = parseRequirement(source);
  if (typeof requirement !== "string") return pythonComponent(requirement, { use });
  const at = content.indexOf(source);
  const line = at === -1 ? undefined : lineAt(content, at);
  throw new ManifestError(manifest, line, `${JSON.stringify(source)}: ${requirement}`);
}

function projectRequirements(manifest: string, project: Table): Wanted[] {
  const required = texts(manifest, "project.dependencies", project.dependencies);
  const what = "project.optional-dependencies";
  const extras = optionalTable(manifest, what, project["optional-dependencies"]);
  return [
    ...required.map((source) => ({ source, use: "required" as const })),
    ...Object.entries(extras).flatMap(([extra, list]) =>
      texts(manifest, `${what}.${extra}`, list).map((source) => ({
        source,
        use: "optional" as const,
      })),
    ),
  ];
}

function buildRequirements(manifest: string, document: Table): Wanted[] {
  const build = optionalTable(manifest, "[build-system]", document["build-system"]);
  return texts(manifest, "build-system.requires", build.requires).map((source) => ({
    source,
    use: "development",
  }));
}

function groupRequirements(manifest: string, document: Table): Wanted[] {
  const groups = optionalTable(manifest, "[dependency-groups]", document["dependency-groups"]);
  return Object.entries(groups).flatMap(([group, list]) => {
    const what = `dependency-groups.${group}`;
    return optionalList(manifest, what, list).flatMap((item): Wanted[] => {
      if (typeof item === "string") return [{ source: item, use: "development" }];
      // {include-group = "name"}: that group is read by itself anyway.
      const included = text(
        manifest,
        `an item of ${what}`,
        table(manifest, `an item of ${what}`, item)["include-group"],
      );
      if (included in groups) return [];
      throw new ManifestError(manifest, undefined, `${what} includes ${included}: no such group`);
    });
  });
}

function texts(manifest: string, what: string, value: Unchecked): string[] {
  return optionalList(manifest, what, value).map((item) =>
    text(manifest, `an item of ${what}`, item),
  );
}
