"""Builds the reference docs and fails when a public name has none.

The page lands in .venv/reference-docs.
"""

import pkgutil
import sys
from pathlib import Path

import pdoc.doc
import pdoc.render

import stellaops_orchestrator

PACKAGE = "stellaops_orchestrator"


def adopt_docstrings(module: pdoc.doc.Module, names: list[str]) -> None:
    """Gives constants and aliases the docstrings that they have where they are defined."""
    bare = [module.get(name) for name in names]
    wanted = {member.name: member for member in bare if member and not member.docstring}
    for info in pkgutil.walk_packages(stellaops_orchestrator.__path__, f"{PACKAGE}."):
        if "._gen" in info.name:
            continue
        source = pdoc.doc.Module.from_name(info.name)
        for name, member in wanted.items():
            found = source.get(name)
            if found is not None and found.docstring:
                member.__dict__["docstring"] = found.docstring


def undocumented(module: pdoc.doc.Module, names: list[str]) -> list[str]:
    """The public names, and the public methods of public classes, without a docstring."""
    missing = []
    for name in names:
        member = module.get(name)
        if member is None or not member.docstring.strip():
            missing.append(name)
        if isinstance(member, pdoc.doc.Class):
            methods = [method for method in member.own_members if method.kind == "function"]
            missing += [
                f"{name}.{method.name}"
                for method in methods
                if not method.name.startswith("_") and not method.docstring.strip()
            ]
    return missing


def main() -> int:
    """Returns the exit code."""
    module = pdoc.doc.Module.from_name(PACKAGE)
    names = [name for name in stellaops_orchestrator.__all__ if name != "__version__"]
    adopt_docstrings(module, names)
    missing = undocumented(module, names)
    for name in missing:
        print(f"no docstring: {name}")
    pdoc.render.configure(docformat="google")
    page = Path(__file__).parent.parent / ".venv/reference-docs/index.html"
    page.parent.mkdir(exist_ok=True)
    page.write_text(pdoc.render.html_module(module, {PACKAGE: module}))
    print(f"{len(names)} public names, {len(missing)} without a docstring")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
