"""A store as one project sees it: a condition on every table, which ClickHouse adds to each read.

The setting `additional_table_filters` holds for every mention of a table, below views and in
subqueries too, so neither our statements nor a user's can forget it. It is a filter and not a
privilege: left alone, the planner runs cheap conditions of the query before it, on rows of other
projects, and a condition that fails (`throwIf(...)`) tells about them. Hence PLAN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from evalspan.store.schema import SCHEMA

PLAN: Final[Mapping[str, Any]] = {
    "optimize_move_to_prewhere": 0,
    "query_plan_merge_filters": 0,
    "enable_join_runtime_filters": 0,
}
"""For somebody else's query: no condition of it runs before ours."""

# Names under which a filter reads its own table; they come first, as the first that fits is taken.
_ALIASES: Final = ("scope_cases", "scope_nobodys", "scope_nobodys_scores")
_NOTHING: Final = "0"
SETTING: Final = "additional_table_filters"


def conditions(database: str, project: str, tables: Iterable[str]) -> dict[str, str]:
    """Table -> condition. A table without a file in `sql/scope` shows nothing."""
    own = set(SCHEMA.folder("scope"))
    named = {name: _condition(name, project) for name in _ALIASES}
    for table in tables:
        named[f"{database}.{table}"] = _condition(table, project) if table in own else _NOTHING
    return named


def setting(conditions: Mapping[str, str]) -> str:
    """Conditions as the value of SETTING."""
    return "{" + ", ".join(f"{_literal(name)}: {_literal(text)}" for name, text in conditions.items()) + "}"


def _condition(name: str, project: str) -> str:
    lines = SCHEMA.sql(f"scope/{name}").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).replace(
        "{project}", _literal(project)
    )


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
