"""Requirements, and the components that they become."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name

from sbom_agent.inventory import Component, NameValue, Use, purl_of

_PINNED = re.compile(r"===?([^,*]+)")
_VCS = re.compile(r"(git|hg|svn|bzr)\+")


@dataclass(frozen=True)
class Requirement:
    """One requirement as a manifest writes it."""

    name: str
    extras: tuple[str, ...] = ()
    specifier: str = ""
    """The version specifiers as written, but without spaces: ``>=1.0,<2``."""
    url: str | None = None
    marker: str | None = None
    """The environment marker as written."""

    @property
    def pinned(self) -> str | None:
        """The version that the specifier pins; None for ranges and wildcards."""
        match = _PINNED.fullmatch(self.specifier)
        return None if match is None else match[1]


def parse_requirement(source: str) -> Requirement:
    """Parses a PEP 508 requirement.

    ``packaging`` decides what is one. It keeps neither the order of the specifiers nor the
    marker's spelling, so these are cut out of the text.

    Raises:
        ValueError: It is none; the message says why.
    """
    source = source.strip()
    try:
        parsed = Pep508(source)
    except InvalidRequirement as error:
        raise ValueError(str(error).splitlines()[0]) from error
    if parsed.url is not None:
        # A URL may hold a semicolon; the marker's comes after a space.
        rest = source.split(parsed.url, 1)[1]
        marker = rest.partition(";")[2]
        return _requirement(parsed, "", marker)
    head, _, marker = source.partition(";")
    specifier = head[len(parsed.name) :].lstrip()
    if specifier.startswith("["):
        specifier = specifier.partition("]")[2]
    return _requirement(parsed, re.sub(r"[\s()]+", "", specifier).removesuffix(","), marker)


def _requirement(parsed: Pep508, specifier: str, marker: str) -> Requirement:
    extras = tuple(parsed.extras)
    return Requirement(parsed.name, extras, specifier, parsed.url, marker.strip() or None)


def python_component(
    requirement: Requirement,
    use: Use = "required",
    *,
    hashes: Sequence[NameValue] = (),
    constraint: str | None = None,
) -> Component:
    """The component for a requirement.

    Args:
        requirement: What is asked for.
        use: How it is used.
        hashes: Digests, one for each file of the release that may be installed.
        constraint: The version that a constraints file pins.
    """
    version = requirement.pinned or constraint
    said: list[tuple[str, str]] = []
    if version is None and requirement.specifier:
        said.append(("specifier", requirement.specifier))
    said.extend(("extra", extra) for extra in requirement.extras)
    if requirement.marker is not None:
        said.append(("marker", requirement.marker))
    # Several digests are those of several files: none of them is "the" hash of the package.
    if len(hashes) > 1:
        said.extend(("sha256", content) for _, content in hashes)
    name = canonicalize_name(requirement.name)
    purl = purl_of(name, version, _origin(requirement.url))
    return Component(
        ref=purl,
        type="library",
        name=name,
        version=version,
        purl=purl,
        use=use,
        hashes=tuple(hashes) if len(hashes) == 1 else (),
        properties=tuple((f"stellaops:python:{name}", value) for name, value in said),
    )


def _origin(url: str | None) -> NameValue | None:
    if url is None:
        return None
    return ("vcs_url" if _VCS.match(url) else "download_url", url)
