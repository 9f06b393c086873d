import {
  type Component,
  compareText,
  type Ecosystem,
  type Hash,
  type Inventory,
  type Property,
  sortedUnique,
  type Use,
} from "./component.ts";

const USES: readonly Use[] = ["required", "optional", "development"];

/** Puts a scan's components in their one order, each ref once. */
export function inventory(
  ecosystem: Ecosystem,
  manifest: string,
  project: string,
  components: Iterable<Component>,
  warnings: Iterable<string> = [],
): Inventory {
  return {
    ecosystem,
    manifest,
    project,
    components: mergeComponents(components),
    warnings: sortedUnique(warnings),
  };
}

/**
 * One component per ref, sorted by ref: facts are united, the strongest use wins, and of
 * licences the first in text order is kept, so that the order of the input never shows.
 */
export function mergeComponents(components: Iterable<Component>): Component[] {
  const byRef = new Map<string, Component>();
  for (const component of components) {
    const known = byRef.get(component.ref);
    byRef.set(component.ref, known === undefined ? tidy(component) : unite(known, component));
  }
  return [...byRef.values()].sort((a, b) => compareText(a.ref, b.ref));
}

function unite(a: Component, b: Component): Component {
  const licence = [a.licence, b.licence].filter((l) => l !== undefined).sort(compareText)[0];
  const dependsOn =
    a.dependsOn === undefined && b.dependsOn === undefined
      ? undefined
      : [...(a.dependsOn ?? []), ...(b.dependsOn ?? [])];
  return tidy({
    ...(compareText(identity(a), identity(b)) <= 0 ? a : b),
    use: USES[Math.min(USES.indexOf(a.use), USES.indexOf(b.use))] ?? a.use,
    ...(licence === undefined ? {} : { licence }),
    hashes: [...a.hashes, ...b.hashes],
    properties: [...a.properties, ...b.properties],
    ...(dependsOn === undefined ? {} : { dependsOn }),
  });
}

/** What one ref has one of, unless a manifest contradicts itself. */
function identity({ type, group, name, version }: Component): string {
  return JSON.stringify([type, group, name, version]);
}

function tidy(component: Component): Component {
  return {
    ...component,
    hashes: distinct(component.hashes, (h: Hash) => `${h.alg} ${h.content}`),
    properties: distinct(component.properties, (p: Property) => `${p.name} ${p.value}`),
    ...(component.dependsOn === undefined ? {} : { dependsOn: sortedUnique(component.dependsOn) }),
  };
}

function distinct<T>(items: readonly T[], key: (item: T) => string): T[] {
  const byKey = new Map(items.map((item) => [key(item), item]));
  return [...byKey.entries()].sort(([a], [b]) => compareText(a, b)).map(([, item]) => item);
}
