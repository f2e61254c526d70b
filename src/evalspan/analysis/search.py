"""Searching the results of one experiment: `run_iteration:1 @trace.total_tokens:>1000`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from evalspan.analysis.condition import Condition, translate
from evalspan.analysis.fields import Level, Names
from evalspan.analysis.syntax import UNFIT, parse
from evalspan.errors import UsageError
from evalspan.experiments.entity import Page, decode_cursor, encode_cursor, page_limit
from evalspan.store import Store, sql

Row = dict[str, Any]
_PLACE = "/* condition */"
_STATEMENTS = {
    Level.RUN: ("queries/search_runs", "queries/search_texts"),
    Level.RECORD: ("queries/search_records", "queries/search_record_texts"),
}


def search(
    store: Store, experiment_id: str, query: str, *, limit: int = 100, cursor: str = "", texts: bool = False
) -> tuple[Level, Page[Row]]:
    """One page of what a query finds: runs, or records where it asks about all their runs.

    The order is by record and run, so a page stays what it is while others write.

    Args:
        texts: read input, output and expected output too.

    Raises:
        QueryError: the query cannot be read, or names what the experiment does not have.
        UsageError: the limit or the cursor is none.
    """
    condition = translate(query, parse(query), names(store, experiment_id))
    statement, with_texts = _STATEMENTS[condition.level]
    found = store.query(
        sql(statement).replace(_PLACE, condition.sql),
        {"experiment_id": experiment_id, "limit": page_limit(limit) + 1, **_after(condition, cursor)},
    )
    rows = found[:limit]
    if texts and rows:
        _add_texts(store, experiment_id, with_texts, rows)
    last = rows[-1] if len(found) > limit else None
    after = encode_cursor(last["record_id"], last.get("run_iteration", 1)) if last else ""
    return condition.level, Page([_finite(row) for row in rows], after)


def names(store: Store, experiment_id: str) -> Names:
    """What a search in an experiment may name."""
    (row,) = store.query(sql("queries/search_names"), {"experiment_id": experiment_id})
    experiment_metadata = {*row.pop("case_metadata"), *row.pop("experiment_metadata")}
    return Names.of({**row, "experiment_metadata": experiment_metadata})


def _after(condition: Condition, cursor: str) -> dict[str, Any]:
    record, run = decode_cursor(cursor, (str, int)) if cursor else ("", -1)
    if not -1 <= run < 2**32 or UNFIT.search(record):
        raise UsageError(f"page[cursor]={cursor!r} is not a cursor of this list; take it from meta.after.")
    return {**condition.parameters, "after_record": record, "after_run": run}


def _add_texts(store: Store, experiment_id: str, statement: str, rows: Sequence[Row]) -> None:
    wanted = {"experiment_id": experiment_id, "records": sorted({row["record_id"] for row in rows})}
    found = {_key(text): text for text in store.query(sql(statement), wanted)}
    for row in rows:
        row.update(found.get(_key(row), {}))


def _key(row: Mapping[str, Any]) -> tuple[str, int]:
    return row["record_id"], row.get("run_iteration", 0)


def _finite(row: Row) -> Row:
    """JSON knows no NaN."""

    def plain(value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value  # pyright: ignore[reportUnknownVariableType] (a row's maps)

    return {name: plain(value) for name, value in row.items()}
