"""TOML whose shape is checked as it is read."""

import re
import tomllib
from typing import Any, TypeVar

from sbom_agent.files import ManifestError

T = TypeVar("T")
Table = dict[str, Any]

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_KINDS = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}


def parse_toml(file: str, text: str) -> Table:
    """Parses TOML. Raises ManifestError with the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        # The parser names no line when the text just ends: the fault is on the last one.
        line = int(place[1]) if place and place[1] else text.rstrip().count("\n") + 1
        reason = _PLACE.sub("", message)
        raise ManifestError(file, line, f"not valid TOML: {reason}") from error


class Checked:
    """Reads values out of one manifest; a wrong shape is a ManifestError that says what."""

    def __init__(self, file: str) -> None:
        self.file = file

    def table(self, what: str, value: Any) -> Table:
        """A table, an empty one where it is absent."""
        return {} if value is None else self._expect(what, value, dict, "an object")

    def items(self, what: str, value: Any) -> list[Any]:
        """A list, an empty one where it is absent."""
        return [] if value is None else self._expect(what, value, list, "a list")

    def texts(self, what: str, value: Any) -> list[str]:
        """A list of texts, an empty one where it is absent."""
        return [self.text(f"an item of {what}", item) for item in self.items(what, value)]

    def text(self, what: str, value: Any) -> str:
        """A text."""
        return self._expect(what, value, str, "a text")

    def optional_text(self, what: str, value: Any) -> str | None:
        """A text, or None where it is absent."""
        return None if value is None else self.text(what, value)

    def fault(self, reason: str, line: int | None = None) -> ManifestError:
        """The error to raise for something else that is wrong."""
        return ManifestError(self.file, line, reason)

    def _expect(self, what: str, value: Any, kind: type[T], name: str) -> T:
        if isinstance(value, kind):
            return value
        found = "missing" if value is None else _KINDS.get(type(value), "an object")
        raise self.fault(f"{what} should be {name}, not {found}")
