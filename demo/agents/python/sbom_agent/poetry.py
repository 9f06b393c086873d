"""Reads ``[tool.poetry]``: main, groups, and the old dev-dependencies."""

import re
from collections.abc import Iterator
from typing import Any

from sbom_agent.inventory import Component, Use, local_ref
from sbom_agent.package import Requirement, python_component
from sbom_agent.tables import Checked, Table

_EXACT = re.compile(r"[0-9][0-9A-Za-z.+!-]*")


def poetry_components(checked: Checked, poetry: Table) -> Iterator[Component]:
    """The components that ``[tool.poetry]`` asks for."""
    sections: list[tuple[str, Any, Use]] = [
        ("dependencies", poetry.get("dependencies"), "required"),
        ("dev-dependencies", poetry.get("dev-dependencies"), "development"),
    ]
    for name, value in checked.table("tool.poetry.group", poetry.get("group")).items():
        group = checked.table(f"tool.poetry.group.{name}", value)
        # Poetry treats a group called "main" as the dependencies themselves.
        use: Use = "required" if name == "main" else "development"
        sections.append((f"group.{name}.dependencies", group.get("dependencies"), use))
    for section, value, use in sections:
        what = f"tool.poetry.{section}"
        for name, said in checked.table(what, value).items():
            if name == "python":
                continue
            # A list has one constraint per environment.
            for constraint in said if isinstance(said, list) else [said]:
                place = f"{what}.{name}"
                yield _component(checked, place, name, constraint, use)


def _component(checked: Checked, what: str, name: str, said: object, use: Use) -> Component:
    if isinstance(said, str):
        return python_component(_requirement(name, said), use)
    if not isinstance(said, dict):
        raise checked.fault(f"{what} should be a text or an object")
    place = checked.optional_text(f"{what}.path", said.get("path"))
    if place is not None:
        ref = local_ref(checked.file, place)
        return Component(ref=ref, type="application", name=name, use=use)
    extras = said.get("extras")
    listed = extras if isinstance(extras, list) else []
    version = checked.optional_text(f"{what}.version", said.get("version")) or ""
    bare = _requirement(name, version)
    requirement = Requirement(
        name,
        tuple(extra for extra in listed if isinstance(extra, str)),
        bare.specifier,
        _origin_url(checked, what, said),
        checked.optional_text(f"{what}.markers", said.get("markers")),
    )
    is_optional = said.get("optional") is True and use == "required"
    return python_component(requirement, "optional" if is_optional else use)


def _requirement(name: str, constraint: str) -> Requirement:
    """Poetry's bare ``1.2.3`` is exact, where PEP 508 writes ``==1.2.3``."""
    spaceless = re.sub(r"\s+", "", constraint)
    return Requirement(
        name, specifier=f"=={spaceless}" if _EXACT.fullmatch(spaceless) else spaceless
    )


def _origin_url(checked: Checked, what: str, said: Table) -> str | None:
    git = checked.optional_text(f"{what}.git", said.get("git"))
    if git is None:
        return checked.optional_text(f"{what}.url", said.get("url"))
    at = next((said[key] for key in ("rev", "tag", "branch") if key in said), None)
    return f"git+{git}@{at}" if isinstance(at, str) else f"git+{git}"
