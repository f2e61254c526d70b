"""The rules of the house that a reader could not check by eye."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalspan import attributes

SOURCE = Path(__file__).parents[1] / "src" / "evalspan"

# Which rooms each room may enter. Files directly under evalspan/ are the ground floor, open to all.
ALLOWED = {
    "store": set[str](),
    "ingest": {"store"},
    "confined": set[str](),
    "experiments": {"store", "confined"},
    "analysis": {"store", "experiments"},
    "judges": {"store", "experiments", "confined"},
    "jobs": {"store", "ingest", "experiments", "judges", "capture"},
    "capture": set[str](),
    "sdk": {"capture"},
    "demo": {"sdk", "capture"},
    "api": {"store", "ingest", "experiments", "analysis", "judges", "jobs", "confined"},
    "cli": {"store", "api", "sdk", "demo", "experiments", "analysis"},
}
SERVER_ONLY = {
    "clickhouse_connect", "chdb", "starlette", "uvicorn", "orjson", "genai_prices", "lark",
    "jinja2", "jsonschema_rs",
}  # fmt: skip


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_dependencies_point_one_way(room: str) -> None:
    found = {
        (path.relative_to(SOURCE).as_posix(), name.split(".")[1])
        for path in (SOURCE / room).rglob("*.py")
        for name in imports(path)
        if name.startswith("evalspan.")
    }
    rooms = ALLOWED.keys()
    assert {pair for pair in found if pair[1] in rooms and pair[1] not in ALLOWED[room] | {room}} == set()


def test_only_the_store_speaks_to_clickhouse() -> None:
    speakers = {
        path.relative_to(SOURCE).parts[0]
        for path in SOURCE.rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] in {"clickhouse_connect", "chdb"}
    }
    assert speakers == {"store"}


@pytest.mark.parametrize("room", ["sdk", "capture"])
def test_the_client_side_needs_nothing_of_the_server_extra(room: str) -> None:
    assert {
        (path.name, name)
        for path in (SOURCE / room).rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] in SERVER_ONLY
    } == set()


def test_attribute_names_are_spelled_in_one_file_or_in_their_dialect() -> None:
    dotted = {value for value in vars(attributes).values() if isinstance(value, str) and "." in value}
    again = {
        (path.relative_to(SOURCE).as_posix(), node.value)
        for path in SOURCE.rglob("*.py")
        if path.name != "attributes.py" and "dialects" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value in dotted or node.value.startswith(("gen_ai.", "test.suite.", "test.case."))
    }
    assert again == set()
