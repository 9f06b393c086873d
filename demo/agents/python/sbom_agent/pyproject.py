"""Reads pyproject.toml: PEP 621, PEP 735 groups, PEP 518 build requirements, and Poetry."""

import json
from collections.abc import Iterator

from sbom_agent.files import Texts
from sbom_agent.inventory import Component, Inventory, Use, local_ref
from sbom_agent.package import parse_requirement, python_component
from sbom_agent.poetry import poetry_components
from sbom_agent.tables import Checked, Table, parse_toml


def scan_pyproject(manifest: str, texts: Texts) -> Inventory:
    """Reads a pyproject.toml.

    Raises:
        ManifestError: It is malformed.
    """
    content = texts[manifest]
    document = parse_toml(manifest, content)
    checked = Checked(manifest)
    project = checked.table("[project]", document.get("project"))
    tool = checked.table("[tool]", document.get("tool"))
    poetry = checked.table("[tool.poetry]", tool.get("poetry"))
    components = [
        _component(checked, content, source, use)
        for source, use in _requirements(checked, document, project)
    ]
    components.extend(poetry_components(checked, poetry))
    root = Component(
        ref=local_ref(manifest),
        type="application",
        name=_first(checked, "name", project, poetry) or manifest,
        version=_first(checked, "version", project, poetry),
        depends_on=tuple(component.ref for component in components),
    )
    return Inventory.of(manifest, [root, *components])


def _requirements(checked: Checked, document: Table, project: Table) -> Iterator[tuple[str, Use]]:
    for source in checked.texts("project.dependencies", project.get("dependencies")):
        yield source, "required"
    what = "project.optional-dependencies"
    extras = checked.table(what, project.get("optional-dependencies"))
    for extra, sources in extras.items():
        for source in checked.texts(f"{what}.{extra}", sources):
            yield source, "optional"
    groups = checked.table("[dependency-groups]", document.get("dependency-groups"))
    for group, items in groups.items():
        what = f"dependency-groups.{group}"
        for item in checked.items(what, items):
            if isinstance(item, str):
                yield item, "development"
            else:
                _check_include(checked, what, item, groups)
    build = checked.table("[build-system]", document.get("build-system"))
    for source in checked.texts("build-system.requires", build.get("requires")):
        yield source, "development"


def _check_include(checked: Checked, what: str, item: object, groups: Table) -> None:
    """``{include-group = "name"}``: that group is read by itself anyway."""
    included = checked.text(
        f"an item of {what}", checked.table(f"an item of {what}", item).get("include-group")
    )
    if included not in groups:
        raise checked.fault(f"{what} includes {included}: no such group")


def _component(checked: Checked, content: str, source: str, use: Use) -> Component:
    try:
        return python_component(parse_requirement(source), use)
    except ValueError as error:
        at = content.find(source)
        line = None if at < 0 else content.count("\n", 0, at) + 1
        quoted = json.dumps(source, ensure_ascii=False)
        raise checked.fault(f"{quoted}: {error}", line) from error


def _first(checked: Checked, key: str, *tables: Table) -> str | None:
    values = (table[key] for table in tables if key in table)
    return checked.optional_text(key, next(values, None))
