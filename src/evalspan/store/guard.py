"""What a read-only query may be.

`readonly = 1` stops writes, DDL and tables outside the store, yet leaves three doors open in the
embedded engine (seen in 26.9): the scalar function `file()` reads any file, `INTO OUTFILE` writes
one, and a second statement after `;` runs. So the query is parsed by ClickHouse itself first
(`formatQuery`, then `EXPLAIN AST`) and its tree is read here. Names are checked wherever they
stand, since a function can be passed by name (`arrayMap(file, ...)`, `* APPLY file`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evalspan.errors import UsageError

STATEMENTS = frozenset({
    "SelectWithUnionQuery", "SelectQuery", "SelectIntersectExceptQuery", "ShowTables", "DescribeQuery",
    "ExistsTableQuery", "ExistsViewQuery", "Explain",
    "ShowColumns", "ShowIndexes", "ShowFunctions",
})  # fmt: skip
TABLE_FUNCTIONS = frozenset({
    "numbers", "numbers_mt", "zeros", "zeros_mt", "generateseries", "generate_series", "values", "null", "primes",
    "view",
})  # fmt: skip
# Functions that reach outside the store, hold a thread, or call a paid service.
FUNCTIONS = frozenset({
    "file", "sleep", "sleepeachrow", "catboostevaluate", "logtrace", "eval", "executable",
    "filesystemavailable", "filesystemcapacity", "filesystemunreserved",
    "addresstoline", "addresstolinewithinlines", "addresstosymbol", "getserversetting", "getmacro",
    "getserverport", "hostname", "fqdn", "fullhostname", "serveruuid", "showcertificate",
    "naivebayesclassifier", "detectprogramminglanguage",
})  # fmt: skip
SYSTEM_TABLES = frozenset({"one", "numbers", "zeros", "columns", "tables", "functions", "databases", "formats"})

_NAMED = re.compile(r"^ *(Function|Identifier|TableIdentifier) (\S+)")


@dataclass(frozen=True)
class Checked:
    """A query that passed."""

    sql: str
    """Its text as ClickHouse formats it."""
    format: str
    """The FORMAT it names, or ''."""
    streams: bool
    """The embedded engine hands out rows as they come for SELECT only."""


def check(formatted: str, tree: list[str], database: str) -> Checked:
    """Decide on one statement from ClickHouse's own syntax tree of it.

    Args:
        formatted: the statement as `formatQuery` prints it.
        tree: the lines of `EXPLAIN AST` for it.
        database: the store's database; tables elsewhere are out of reach, a few of system's excepted.

    Raises:
        UsageError: the query would write, or reach outside the store.
    """
    root = tree[0].split()[0] if tree else ""
    if root not in STATEMENTS:
        raise UsageError(f"Only reading statements can be run here (SELECT, SHOW, DESCRIBE, EXPLAIN), not {root!r}.")
    in_table_expression = -1
    for line in tree:
        depth = len(line) - len(line.lstrip(" "))
        if depth <= in_table_expression:
            in_table_expression = -1
        if line.lstrip().startswith("TableExpression"):
            in_table_expression = depth
        if depth == 1 and line.startswith(" Literal") and root.startswith("Select"):
            raise UsageError("INTO OUTFILE is not available here; choose an output format and redirect it instead.")
        if "Transformer" in line or " APPLY " in line:
            raise UsageError("APPLY is not available here; name the columns.")
        if match := _NAMED.match(line):
            _check_name(match[1], match[2], in_table_expression == depth - 1, database)
    return Checked(formatted, _format_of(tree), root.startswith("Select"))


def _check_name(kind: str, name: str, is_table: bool, database: str) -> None:
    lowered = name.strip("`").lower()
    if kind == "TableIdentifier":
        _check_table(name.replace("`", ""), database)
    elif kind == "Function" and is_table:
        if lowered not in TABLE_FUNCTIONS:
            raise UsageError(f"The table function {name}() is not available here.")
    elif lowered in FUNCTIONS or (kind == "Function" and lowered.startswith("ai")):
        raise UsageError(f"{name!r} is not available here: it reaches outside the store (or holds a thread).")


def _check_table(name: str, database: str) -> None:
    owner, dot, table = name.rpartition(".")
    if not dot or owner == database or owner.lower() == "information_schema":
        return
    if owner == "system" and table in SYSTEM_TABLES:
        return
    raise UsageError(f"The table {name} is out of reach here; read the views of database {database!r}.")


def _format_of(tree: list[str]) -> str:
    """FORMAT stands as the last identifier directly below the statement."""
    names = [line.split()[1] for line in tree if line.startswith(" Identifier ")]
    return names[-1] if names and not tree[0].startswith("ExistsTable") else ""
