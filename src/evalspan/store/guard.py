"""What a read-only query may be.

`readonly = 1` stops writes, DDL and tables outside the store, yet leaves three doors open in the
embedded engine (seen in 26.9): the scalar function `file()` reads any file, `INTO OUTFILE` writes
one, and a second statement after `;` runs. So ClickHouse itself parses the query first
(`formatQuery`, then `EXPLAIN AST`), and its canonical text and its tree are judged here. What may
stand there is listed, not what may not: a function that a newer ClickHouse adds is refused until it
is known. Names are checked wherever they stand, since a function can be passed by name
(`arrayMap(file, ...)`).

The tree does not show everything: the condition of a SHOW, what is APPLYed, INTO OUTFILE of an
EXPLAIN. What it does not show is refused by the text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from evalspan.errors import UsageError

STATEMENTS = frozenset({
    "SelectWithUnionQuery", "SelectQuery", "SelectIntersectExceptQuery", "ShowTables", "DescribeQuery",
    "ExistsTableQuery", "ExistsViewQuery", "Explain",
    "ShowColumns", "ShowIndexes", "ShowFunctions",
})  # fmt: skip
TABLE_FUNCTIONS = frozenset({
    "numbers", "numbers_mt", "zeros", "zeros_mt", "generateseries", "generate_series", "values", "null",
    "primes", "view",
})  # fmt: skip
SYSTEM_TABLES = frozenset(
    {"one", "numbers", "zeros", "columns", "tables", "functions", "databases", "formats"}
)
FUNCTIONS = frozenset(
    name
    for line in (files("evalspan.store") / "functions.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for name in line.split()
)
"""The functions that may be called, in lower case."""
_SYNTAX = frozenset({"lambda", "exists", "untuple", "grouping"})  # functions in the tree alone
_KNOWN = FUNCTIONS | _SYNTAX
COMBINATORS = (
    "SimpleState", "OrDefault", "Distinct", "Resample", "ForEach", "ArgMax", "ArgMin", "OrNull", "Tuple",
    "Merge", "State", "Array", "Null", "Map", "If",
)  # fmt: skip
# No arguments, so nothing to pass by name; people call columns so.
_HARMLESS = frozenset({"user", "uptime", "tid"})
# Catalogs of every database; under these conditions they show ours.
CATALOG_FILTERS = {
    "system.databases": "name",
    "system.tables": "database",
    "system.columns": "database",
    "system.data_skipping_indices": "database",
}

_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`", re.DOTALL)
_SHOW = re.compile(
    r"SHOW (FULL )?(TABLES|COLUMNS|INDEXES|FUNCTIONS|DATABASES)( FROM \w+){0,2}"
    r"( NOT)?( I?LIKE '')?(\s+FORMAT \w+)?"
)
_PARAMETER = re.compile(r"\{ ?(\w+) ?: ?([^}]+)\}")
_IN = re.compile(r"(global)?(not)?(null)?in(ignoreset)?", re.IGNORECASE)


@dataclass(frozen=True)
class Checked:
    """A query that passed."""

    sql: str
    """Its text as ClickHouse formats it."""
    parameters: dict[str, Any]
    """Those of the given parameters that it uses."""
    format: str
    """The FORMAT it names, or ''."""
    streams: bool
    """The embedded engine hands out rows as they come for SELECT only."""


@dataclass
class _Node:
    kind: str
    name: str
    parent: _Node | None
    children: list[_Node] = field(default_factory=list["_Node"])


def used(formatted: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Judge the text of a statement, before ClickHouse is asked for its tree.

    Args:
        formatted: the statement as `formatQuery` prints it.

    Returns:
        the parameters that it uses. Others must not be bound: the client would format them into
        the text, on its own side.

    Raises:
        UsageError: it holds what the tree would not show.
    """
    bare = _bare(formatted)
    if any("\\" in quoted[0] and quoted[0][0] == "`" for quoted in _QUOTED.finditer(formatted)):
        raise UsageError(
            "Names with line breaks or backslashes are not available here; choose plain aliases."
        )
    if "INTO OUTFILE" in bare:
        raise UsageError(
            "INTO OUTFILE is not available here; choose an output format and redirect it instead."
        )
    if bare.startswith("SHOW ") and not _SHOW.fullmatch(bare):
        raise UsageError(
            "Of SHOW, there are TABLES, COLUMNS, INDEXES, FUNCTIONS and DATABASES here, with FROM and LIKE."
        )
    kinds = {match[1]: match[2].strip() for match in _PARAMETER.finditer(bare)}
    for name, kind in kinds.items():
        if kind == "Identifier" and name in parameters and not re.fullmatch(r"[\w.]+", str(parameters[name])):
            raise UsageError(f"Parameter {name}={parameters[name]!r} is not a plain name.")
    return {name: value for name, value in parameters.items() if name in kinds}


@dataclass(frozen=True)
class Reach:
    """What a query may see."""

    database: str
    """Tables elsewhere are out of reach, a few of system's excepted."""
    functions: Collection[str] = ()
    """Every function that this ClickHouse has, in lower case: what may be meant by a name."""
    hidden: Collection[str] | None = None
    """For a query that sees one project: the tables that it may not name. Its views are left, and
    nothing that shows how others' rows are stored."""


def check(formatted: str, tree: str, parameters: dict[str, Any], reach: Reach) -> Checked:
    """Decide on one statement from ClickHouse's own syntax tree of it.

    Args:
        formatted: the statement as `formatQuery` prints it, which `used` has let pass.
        tree: `EXPLAIN AST` of it.
        parameters: what `used` returned.

    Raises:
        UsageError: the query would write, or reach outside the store.
    """
    nodes = list(_parse(tree))
    root = nodes[0] if nodes else _Node("", "", None)
    if root.kind not in STATEMENTS or (root.kind == "Explain" and not _explains_select(root)):
        what = " ".join(formatted.split()[:3])
        raise UsageError(
            f"Only reading statements can be run here (SELECT, SHOW, DESCRIBE, EXPLAIN SELECT), not {what!r}."
        )
    for node in nodes:
        _check_node(node, reach)
    bare = _bare(formatted)
    if reach.hidden is not None and (root.kind == "Explain" or re.search(r"\bPREWHERE\b", bare)):
        raise UsageError("EXPLAIN and PREWHERE are not available to the key of a project.")
    named = re.search(r"\sFORMAT (\w+)", bare)
    return Checked(formatted, parameters, named[1] if named else "", root.kind.startswith("Select"))


def _bare(formatted: str) -> str:
    """The text without the content of strings and of quoted names."""
    return _QUOTED.sub(lambda match: "''" if match[0][0] == "'" else "_", formatted)


def _parse(tree: str) -> Iterator[_Node]:
    path: list[_Node] = []
    for line in tree.split("\n"):  # not splitlines: it would also split at breaks inside of a string
        if not line.strip():
            continue
        depth = len(line) - len(line.lstrip(" "))
        words = line[depth:].split(" ")
        del path[depth:]
        node = _Node(words[0], words[1] if len(words) > 1 else "", path[-1] if path else None)
        if node.parent is not None:
            node.parent.children.append(node)
        path.append(node)
        yield node


def _explains_select(root: _Node) -> bool:
    inner = [child for child in root.children if child.kind not in {"Set", "Identifier"}]
    return len(inner) == 1 and inner[0].kind.startswith("Select")


def _check_node(node: _Node, reach: Reach) -> None:
    parent = node.parent.kind if node.parent is not None else ""
    if node.kind.startswith("ColumnsApply"):
        raise UsageError("APPLY is not available here; name the columns.")
    if node.kind == "Set" and parent != "Explain":
        raise UsageError("SETTINGS are not available here; the service sets the limits.")
    if node.kind == "TableIdentifier":
        _check_table(node.name, reach)
    elif node.kind == "Function" and parent == "TableExpression":
        if node.name.lower() not in TABLE_FUNCTIONS:
            raise UsageError(f"The table function {node.name}() is not available here.")
    elif node.kind == "Function":
        _check_function(node.name)
    elif node.kind == "Identifier" and (function := _called_with(node)) is not None:
        if node.name.lower() in reach.functions and node.name.lower() not in _HARMLESS:
            _check_function(node.name)
        if _IN.fullmatch(function) and node.parent is not None and node is node.parent.children[-1]:
            _check_table(node.name, reach)  # x IN table


def _called_with(node: _Node) -> str | None:
    """The function whose argument a node is."""
    outer = node.parent.parent if node.parent is not None and node.parent.kind == "ExpressionList" else None
    return outer.name if outer is not None and outer.kind == "Function" else None


def _check_function(name: str) -> None:
    base = name
    while base.lower() not in _KNOWN:
        combinator = next((each for each in COMBINATORS if base.endswith(each) and base != each), "")
        if not combinator:
            raise UsageError(
                f"The function {name!r} is not available here: it is not known to compute and no more."
            )
        base = base.removesuffix(combinator)


def _check_table(name: str, reach: Reach) -> None:
    owner, dot, table = name.rpartition(".")
    ours = not dot or owner == reach.database
    if ours and (reach.hidden is None or table not in reach.hidden):
        return
    if reach.hidden is None and owner.lower() == "information_schema":
        return
    if reach.hidden is None and owner == "system" and table in SYSTEM_TABLES:
        return
    raise UsageError(f"The table {name} is out of reach here; read the views of database {reach.database!r}.")
