"""Reads requirements files, in the format of pip."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from sbom_agent.files import ManifestError, Texts
from sbom_agent.inventory import Component, Inventory, NameValue, local_ref
from sbom_agent.package import Requirement, parse_requirement, python_component

_INCLUDE = re.compile(
    r"(?:-r|--requirement|(?P<constraint>-c|--constraint))(?:\s*=\s*|\s+|(?=[^\s=-]))(?P<path>\S+)"
)
_EDITABLE = re.compile(r"(?:-e|--editable)[\s=]+(.+)")
_HASH = re.compile(r"\s--hash[=\s]\s*([a-z0-9]+):([0-9a-f]+)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Options of one requirement that say nothing about what it is.
_OTHER_OPTIONS = re.compile(
    r"""\s--(?:global-option|config-settings|install-option)[=\s]\s*("[^"]*"|\S+)"""
)
_EGG = re.compile(r"[a-z][a-z+]*://\S*#(?:\S*&)?egg=([A-Za-z0-9._-]+)")
_PATH_OR_URL = re.compile(r"(\.{0,2}/|\.\.?\Z|[a-z][a-z+]*:)|\S+\.(whl|tar\.gz|zip)\Z")
_COMMENT = re.compile(r"(^|\s)#.*$")


@dataclass(frozen=True)
class _Line:
    """One logical line: comments gone, continuations joined."""

    file: str
    number: int
    text: str


def scan_requirements(manifest: str, texts: Texts) -> Inventory:
    """Reads a requirements file with everything that it includes.

    Raises:
        ManifestError: It is malformed.
    """
    reading = _Reading(texts)
    reading.visit(manifest, is_constraint=False)
    components = reading.components()
    refs = tuple(component.ref for component in components)
    project = Component(ref=local_ref(manifest), type="application", name=manifest, depends_on=refs)
    return Inventory.of(manifest, [project, *components], reading.warnings)


class _Reading:
    """What was read so far of a requirements file and its includes."""

    def __init__(self, texts: Texts) -> None:
        self.warnings: list[str] = []
        self._texts = texts
        self._constraints: dict[str, str] = {}
        self._found: list[tuple[Requirement, list[NameValue]]] = []
        self._visited: set[tuple[str, bool]] = set()

    def visit(self, file: str, *, is_constraint: bool) -> None:
        """Reads a file; constraints pin versions and require nothing."""
        if (file, is_constraint) in self._visited:
            return
        self._visited.add((file, is_constraint))
        lines = list(_logical_lines(file, self._texts[file]))
        for line in lines:
            self._include(line, is_constraint=is_constraint)
        for line in lines:
            found = self._requirement(line)
            if found is None:
                continue
            pinned = found[0].pinned
            if not is_constraint:
                self._found.append(found)
            elif pinned:
                self._constraints[canonicalize_name(found[0].name)] = pinned

    def components(self) -> list[Component]:
        """The components of all requirements."""
        return [
            python_component(
                requirement,
                hashes=hashes,
                constraint=self._constraints.get(canonicalize_name(requirement.name)),
            )
            for requirement, hashes in self._found
        ]

    def _include(self, line: _Line, *, is_constraint: bool) -> None:
        match = _INCLUDE.fullmatch(line.text)
        if match is None or re.match(r"[a-z]+://", match["path"]):
            return
        path = posixpath.normpath(f"{posixpath.dirname(line.file) or '.'}/{match['path']}")
        if path.startswith("../"):
            where = f"{line.file}:{line.number}"
            self.warnings.append(f"{where}: {path} is outside of the scanned folder")
        elif path in self._texts:
            self.visit(path, is_constraint=is_constraint or match["constraint"] is not None)
        else:
            raise ManifestError(line.file, line.number, f"{path} does not exist")

    def _requirement(self, line: _Line) -> tuple[Requirement, list[NameValue]] | None:
        editable = _EDITABLE.fullmatch(line.text)
        source = line.text if editable is None else editable[1]
        # Every other option (an index, a format) says nothing about what is required.
        if source.startswith("-"):
            return None
        hashes = _hashes(line, source)
        bare = _OTHER_OPTIONS.sub("", _HASH.sub("", source)).strip()
        # A bare URL names its project in the fragment: git+https://…#egg=name.
        egg = _EGG.match(bare)
        named = bare if egg is None else f"{egg[1]} @ {bare}"
        if _PATH_OR_URL.match(named):
            self.warnings.append(f"{line.file}:{line.number}: {bare} has no name, left out")
            return None
        try:
            return parse_requirement(named), hashes
        except ValueError as error:
            raise ManifestError(line.file, line.number, str(error)) from error


def _hashes(line: _Line, source: str) -> list[NameValue]:
    hashes = []
    for algorithm, content in _HASH.findall(source):
        if algorithm != "sha256" or not _SHA256.fullmatch(content):
            raise ManifestError(line.file, line.number, f"not a SHA-256: {algorithm}:{content}")
        hashes.append(("SHA-256", content))
    return hashes


def _logical_lines(file: str, content: str) -> Iterator[_Line]:
    joined, start = "", 0
    for number, raw in enumerate(re.split(r"\r\n|\n|\r", content), start=1):
        if not joined:
            start = number
        # A comment line ends a continuation in pip too.
        if raw.endswith("\\") and not raw.lstrip().startswith("#"):
            joined += f"{raw[:-1]} "
            continue
        text = _COMMENT.sub("", joined + raw).strip()
        joined = ""
        if text:
            yield _Line(file, start, text)
    rest = _COMMENT.sub("", joined).strip()
    if rest:
        yield _Line(file, start, rest)
