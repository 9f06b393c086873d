import { type Component, type Hash, libraryComponent, type Use } from "../component.ts";
import { pinnedVersion, type Requirement } from "./pep508.ts";

/** The name under which a package index knows a project (PEP 503). */
export function indexName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

/** What a manifest adds to a requirement. */
export interface RequirementFacts {
  /** How it is used; required if not said. */
  readonly use?: Use;
  /** SHA-256 digests, one for each file of the release that may be installed. */
  readonly hashes?: readonly Hash[];
  /** The version that a constraints file pins. */
  readonly constraint?: string | undefined;
}

/** The component for a requirement. */
export function pythonComponent(requirement: Requirement, facts: RequirementFacts = {}): Component {
  const { specifier, url, extras, marker } = requirement;
  const version = pinnedVersion(specifier) ?? facts.constraint;
  const hashes = facts.hashes ?? [];
  const isUnpinned = version === undefined && specifier !== "";
  const property = (name: string, value: string) => ({ name: `stellaops:python:${name}`, value });
  return libraryComponent(
    {
      ecosystem: "pypi",
      name: indexName(requirement.name),
      version,
      qualifiers: url === undefined ? undefined : originOf(url),
    },
    {
      use: facts.use ?? "required",
      // Several digests are those of several files: none of them is "the" hash of the package.
      hashes: hashes.length === 1 ? hashes : [],
      properties: [
        ...(isUnpinned ? [property("specifier", specifier)] : []),
        ...extras.map((extra) => property("extra", extra)),
        ...(marker === undefined ? [] : [property("marker", marker)]),
        ...(hashes.length > 1 ? hashes.map((h) => property("sha256", h.content)) : []),
      ],
    },
  );
}

function originOf(url: string): Record<string, string> {
  return /^(git|hg|svn|bzr)\+/.test(url) ? { vcs_url: url } : { download_url: url };
}
