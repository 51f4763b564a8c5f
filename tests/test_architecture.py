"""The rooms: imports run in one direction, in no circle, and a file stays one idea."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

GROUND_FLOOR = {
    "address",
    "clock",
    "errors",
    "language",
    "logs",
    "memory",
    "resources",
    "secret",
    "sentence",
    "settings",
    "speaking",
    "tokens",
}

ROOMS = [
    "store",
    "feeds",
    "subscribers",
    "archive",
    "editions",
    "messages",
    "deliveries",
    "desk",
    "local",
    "web",
    "cli",
    "workers",
]
"""From left to right; a room imports only those to its left."""

APART = {("subscribers", "feeds")}
"""Neighbours that do not know each other."""

FILES = sorted([*ROOT.glob("digestmail/**/*.py"), *ROOT.glob("workers/**/*.py")])


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in FILES}


def room_of(module: str) -> str:
    """The room of a module, or "" for the ground floor."""
    parts = module.split(".")
    if parts[0] == "workers":
        return "workers"
    if parts[1:2] == ["__main__"]:
        return "cli"
    return "" if len(parts) == 1 or parts[1] in GROUND_FLOOR else parts[1]


@cache
def imports_of(module: str) -> frozenset[str]:
    """Our own modules that a module imports, anywhere in it."""
    return frozenset(_imports(module))


def _imports(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else str(node.module) for name in names if node.module in MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_only_rooms_to_its_left(module: str) -> None:
    here = room_of(module)
    for imported in imports_of(module):
        there = room_of(imported)
        if not there or there == here:
            continue
        assert here, f"{module} is on the ground floor and imports {imported}"
        assert ROOMS.index(there) < ROOMS.index(here), f"{module} imports {imported}"
        assert (here, there) not in APART, f"{module} imports {imported}"


def test_no_module_imports_itself_in_a_circle() -> None:
    packages = {module for module, path in MODULES.items() if path.name == "__init__.py"}
    graph = {module: imports_of(module) - packages for module in MODULES}
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle


def test_every_room_is_known() -> None:
    assert {room_of(module) for module in MODULES} == {"", *ROOMS}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_file_is_one_idea_said_in_its_first_line(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), f"{path.name} does not say what it is"
    assert len(text.splitlines()) <= 320, f"{path.name} has more than one idea"
