"""What a read-only query may be.

`readonly = 1` stops writes, DDL and tables outside the store, yet leaves three doors open in the
embedded engine (seen in 26.9): the scalar function `file()` reads any file, `INTO OUTFILE` writes
one, and a second statement after `;` runs. So ClickHouse itself parses the query first
(`formatQuery`, then `EXPLAIN AST`), and its canonical text and its tree are judged here. Names are
checked wherever they stand, since a function can be passed by name (`arrayMap(file, ...)`).

The tree does not show everything: the condition of a SHOW, what is APPLYed, INTO OUTFILE of an
EXPLAIN. What it does not show is refused by the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
# Functions that reach outside the store, hold a thread, or call a paid service.
FUNCTIONS = frozenset({
    "file", "sleep", "sleepeachrow", "catboostevaluate", "logtrace", "eval", "executable", "evalmlmethod",
    "filesystemavailable", "filesystemcapacity", "filesystemunreserved", "hascolumnintable",
    "addresstoline", "addresstolinewithinlines", "addresstosymbol", "getserversetting", "getmacro",
    "getserverport", "hostname", "fqdn", "fullhostname", "serveruuid", "showcertificate", "reversednsquery",
    "naivebayesclassifier", "naivebayesclassifierwithprob", "detectprogramminglanguage", "getoskernelversion",
    "getclienthttpheader", "currentrequesturl", "generateserialid", "zookeepersessionuptime",
})  # fmt: skip
FUNCTION_PREFIXES = ("ai", "dict", "joinget")
SYSTEM_TABLES = frozenset(
    {"one", "numbers", "zeros", "columns", "tables", "functions", "databases", "formats"}
)

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


def check(formatted: str, tree: str, parameters: dict[str, Any], database: str) -> Checked:
    """Decide on one statement from ClickHouse's own syntax tree of it.

    Args:
        formatted: the statement as `formatQuery` prints it, which `used` has let pass.
        tree: `EXPLAIN AST` of it.
        parameters: what `used` returned.
        database: the store's database; tables elsewhere are out of reach, a few of system's excepted.

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
        _check_node(node, database)
    named = re.search(r"\sFORMAT (\w+)", _bare(formatted))
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


def _check_node(node: _Node, database: str) -> None:
    parent = node.parent.kind if node.parent is not None else ""
    if node.kind.startswith("ColumnsApply"):
        raise UsageError("APPLY is not available here; name the columns.")
    if node.kind == "TableIdentifier":
        _check_table(node.name, database)
    elif node.kind == "Function" and parent == "TableExpression":
        if node.name.lower() not in TABLE_FUNCTIONS:
            raise UsageError(f"The table function {node.name}() is not available here.")
    elif node.kind == "Function":
        _check_function(node.name)
    elif node.kind == "Identifier" and (function := _called_with(node)) is not None:
        _check_function(node.name)
        if _IN.fullmatch(function) and node.parent is not None and node is node.parent.children[-1]:
            _check_table(node.name, database)  # x IN table


def _called_with(node: _Node) -> str | None:
    """The function whose argument a node is."""
    outer = node.parent.parent if node.parent is not None and node.parent.kind == "ExpressionList" else None
    return outer.name if outer is not None and outer.kind == "Function" else None


def _check_function(name: str) -> None:
    lowered = name.lower()
    if lowered in FUNCTIONS or lowered.startswith(FUNCTION_PREFIXES):
        raise UsageError(f"{name!r} is not available here: it reaches outside the store (or holds a thread).")


def _check_table(name: str, database: str) -> None:
    owner, dot, table = name.rpartition(".")
    if not dot or owner == database or owner.lower() == "information_schema":
        return
    if owner == "system" and table in SYSTEM_TABLES:
        return
    raise UsageError(f"The table {name} is out of reach here; read the views of database {database!r}.")
