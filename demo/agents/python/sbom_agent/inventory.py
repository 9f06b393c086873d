"""What a scan finds, and its one form as bytes.

The fields, their order and the order of what they hold are those of the demo's TypeScript
scanners, byte for byte.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import quote

Use = Literal["required", "optional", "development"]
"""How a component is used; where a manifest says several, the first in this order wins."""

USES: tuple[Use, ...] = ("required", "optional", "development")

NameValue = tuple[str, str]
"""A property's name and value, or a hash's algorithm and content."""

_CREDENTIALS = re.compile(r"([a-z][a-z0-9+.-]*://)([^/?#]*)@", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Component:
    """One package, or one project of the scanned tree."""

    ref: str
    """What edges point to: the purl, or ``local:MANIFEST#PLACE`` for what no registry has."""
    type: Literal["application", "library"]
    name: str
    version: str | None = None
    purl: str | None = None
    use: Use = "required"
    hashes: tuple[NameValue, ...] = ()
    properties: tuple[NameValue, ...] = ()
    depends_on: tuple[str, ...] | None = None
    """None where it is not known, and empty where it is nothing."""

    @property
    def identity(self) -> str:
        """What one ref has one of, unless a manifest contradicts itself."""
        return _json([self.type, None, self.name, self.version])

    def tidy(self) -> "Component":
        """The same with every list sorted, each item once."""
        edges = self.depends_on
        return replace(
            self,
            hashes=_distinct(self.hashes),
            properties=_distinct(self.properties),
            depends_on=None if edges is None else tuple(sorted(set(edges), key=text_order)),
        )

    def unite(self, other: "Component") -> "Component":
        """The facts of two components of one ref."""
        first = min(self, other, key=lambda component: text_order(component.identity))
        edges = [c.depends_on for c in (self, other) if c.depends_on is not None]
        return replace(
            first,
            use=min(self.use, other.use, key=USES.index),
            hashes=self.hashes + other.hashes,
            properties=self.properties + other.properties,
            depends_on=sum(edges, ()) if edges else None,
        ).tidy()

    def as_json(self) -> dict[str, object]:
        """The fields in their order; absent ones are left out."""
        fields = {
            "ref": self.ref,
            "type": self.type,
            "name": self.name,
            "version": self.version or None,
            "purl": self.purl,
            "use": self.use,
            "hashes": [{"alg": alg, "content": content} for alg, content in self.hashes],
            "properties": [{"name": name, "value": value} for name, value in self.properties],
            "dependsOn": self.depends_on,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True)
class Inventory:
    """The component list of one manifest."""

    manifest: str
    components: tuple[Component, ...]
    """Sorted by ref, each ref once; the manifest's own project is one of them."""
    warnings: tuple[str, ...] = field(default=())
    """What had to be left out, for people."""

    @classmethod
    def of(
        cls, manifest: str, components: Iterable[Component], warnings: Iterable[str] = ()
    ) -> "Inventory":
        """Puts components in their one order, each ref once."""
        by_ref: dict[str, Component] = {}
        for component in components:
            known = by_ref.get(component.ref)
            by_ref[component.ref] = component.tidy() if known is None else known.unite(component)
        in_order = sorted(by_ref.values(), key=lambda component: text_order(component.ref))
        return cls(manifest, tuple(in_order), tuple(sorted(set(warnings), key=text_order)))

    def encode(self) -> bytes:
        """The component list as bytes; the same manifest makes the same bytes."""
        document = {
            "ecosystem": "pypi",
            "manifest": self.manifest,
            "project": local_ref(self.manifest),
            "components": [component.as_json() for component in self.components],
            "warnings": self.warnings,
        }
        return f"{_json(document)}\n".encode()


def local_ref(manifest: str, place: str = "") -> str:
    """The ref of a component of the scanned tree."""
    return f"local:{manifest}#{place}" if place else f"local:{manifest}"


def purl_of(name: str, version: str | None, qualifier: NameValue | None) -> str:
    """A package URL. ``packageurl-python`` would encode some characters in other ways."""
    purl = "pkg:pypi/" + quote(name, safe="!*'()")
    if version:
        purl += "@" + quote(version, safe="!*'():+")
    if qualifier is not None and (value := _without_credentials(qualifier[1]).strip()):
        # As in an HTML form, where ~ is encoded too.
        purl += f"?{qualifier[0]}=" + quote(value, safe="*").replace("~", "%7E")
    return purl


def text_order(text: str) -> bytes:
    """A key that sorts by UTF-16 code units, as JavaScript does."""
    return text.encode("utf-16-be")


def _without_credentials(url: str) -> str:
    """Private registries' URLs hold tokens; an SBOM goes to other people."""

    def cleaned(match: re.Match[str]) -> str:
        scheme, user = match.groups()
        return match[0] if "ssh" in scheme.lower() and ":" not in user else scheme

    match = _CREDENTIALS.match(url)
    return url if match is None else cleaned(match) + url[match.end() :]


def _distinct(pairs: Iterable[NameValue]) -> tuple[NameValue, ...]:
    return tuple(sorted(set(pairs), key=lambda pair: text_order(f"{pair[0]} {pair[1]}")))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
