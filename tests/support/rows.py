"""Rows of the store's tables, short to write: what a test does not say has a sensible value.

Each row built is received a microsecond after the one before, so the later of two versions wins.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from evalspan.ingest.introductions import Introductions, nameless
from evalspan.store import Store

START = datetime(2026, 1, 1, tzinfo=UTC)
_received = itertools.count(1)


@dataclass(frozen=True)
class Row:
    table: str
    values: dict[str, Any]


def add(store: Store, *rows: Row) -> None:
    """Insert rows, those of one table and shape as one block; experiments are introduced as the ingest
    does it."""
    Introductions(store).write(_introduced(rows))
    blocks: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        blocks[row.table, *sorted(row.values)].append(row)
    for (table, *names), same in blocks.items():
        store.insert(table, {name: [row.values[name] for row in same] for name in names})


def _introduced(rows: Iterable[Row]) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {}
    for row in rows:
        if row.table == "spans_data" and row.values["span_type"] == "CASE":
            key, name = row.values["experiment_id"], row.values.get("experiment", "")
            project = row.values.get("project", "")
            found[key] = (key, "", None, project, "", name, name, "{}", {}, START, START, 0)
    for row in rows:
        if row.table == "evaluations_data" and row.values["experiment_id"]:
            found.setdefault(row.values["experiment_id"], nameless(row.values["experiment_id"], "", 0))
    return found


def span(
    trace_id: str, span_id: str, parent: str = "", *, at: float = 0, ms: float = 1, **values: Any
) -> Row:
    """A span that starts `at` seconds after START; without ids of ours unless they are given."""
    defaults: dict[str, Any] = {
        "trace_id": trace_id,
        "span_id": span_id,
        "parent_span_id": parent,
        "name": span_id,
        "span_type": "OTHER",
        "status": "unset",
        "start_time": START + timedelta(seconds=at),
        "duration_ns": int(ms * 1e6),
        "received_at": _now(),
    }
    return Row("spans_data", defaults | values)


def case(
    record: str, iteration: int = 1, *, experiment: str = "e1", trace: str = "", at: float = 0, **values: Any
) -> Row:
    """The case span of one execution; `experiment` is the id, the name is `name of <id>`."""
    trace = trace or trace_of(experiment, record, iteration)
    values = {"experiment": f"name of {experiment}", "input": "in", "output": "out", **values}
    return span(
        trace, f"{trace}/case", at=at, span_type="CASE", **_ids(experiment, record, iteration), **values
    )


def llm(
    record: str,
    iteration: int = 1,
    *,
    experiment: str = "e1",
    trace: str = "",
    span_id: str = "",
    parent: str = "",
    tokens: tuple[int, int] | None = (10, 5),
    cost: str | None = "0.001",
    at: float = 0,
    **values: Any,
) -> Row:
    """An LLM call below the case of one execution. None tokens or cost are unknown."""
    trace = trace or trace_of(experiment, record, iteration)
    usage: dict[str, Any] = {
        "input_tokens": tokens and tokens[0],
        "output_tokens": tokens and tokens[1],
        "total_tokens": tokens and sum(tokens),
        "cost_usd": cost and Decimal(cost),
    }
    ids = _ids(experiment, record, iteration)
    parent = parent or f"{trace}/case"
    given: dict[str, Any] = {"span_type": "LLM", **ids, **usage, **values}
    return span(trace, span_id or f"{trace}/llm", parent, at=at, **given)


def score(
    name: str,
    value: float | str | None,
    record: str,
    iteration: int = 1,
    *,
    experiment: str = "e1",
    trace: str | None = None,
    at: float = 0,
    **values: Any,
) -> Row:
    """A score of one execution: a number, or a label, or None for an evaluator that failed."""
    trace = trace_of(experiment, record, iteration) if trace is None else trace
    defaults: dict[str, Any] = {
        "trace_id": trace,
        "span_id": f"{trace}/case",
        "name": name,
        "source": "record",
        "type": "categorical" if isinstance(value, str) else "score",
        "score_value": None if isinstance(value, str) else value,
        "label_value": value if isinstance(value, str) else None,
        "timestamp": START + timedelta(seconds=at),
        "received_at": _now(),
    }
    return Row("evaluations_data", defaults | _ids(experiment, record, iteration) | values)


def summary(name: str, value: float | str, iteration: int = 1, *, experiment: str = "e1") -> Row:
    """A score of a summary evaluator over one run iteration."""
    return score(name, value, "", iteration, experiment=experiment, trace="", source="summary")


def experiment(
    experiment_id: str, *, revision: int = 1, metadata: dict[str, str] | None = None, **values: Any
) -> Row:
    """An experiment as the API knows it; revision 0 is what was learned from spans."""
    defaults: dict[str, Any] = {
        "experiment_id": experiment_id,
        "experiment": f"name of {experiment_id}",
        "experiment_name": f"unique name of {experiment_id}",
        "metadata": json.dumps(metadata or {}),
        "metadata_map": metadata or {},
        "revision": revision,
        "created_at": START,
        "updated_at": START,
    }
    return Row("experiments_data", defaults | values)


def project(project_id: str, name: str, **values: Any) -> Row:
    return Row("projects_data", {"project_id": project_id, "name": name, "revision": 1, **_dates(), **values})


def dataset(dataset_id: str, name: str = "", **values: Any) -> Row:
    defaults = {"dataset_id": dataset_id, "name": name or f"name of {dataset_id}", "revision": 1}
    return Row("datasets_data", defaults | _dates() | values)


def record(dataset_id: str, record_id: str, version: int, content: str = "", *, removed: bool = False) -> Row:
    """What a record became in one version of its dataset."""
    values = {"dataset_id": dataset_id, "record_id": record_id, "version": version, "input": content}
    return Row("dataset_records_data", values | {"removed": removed, "revision": next(_received)} | _dates())


def trace_of(experiment_id: str, record_id: str, iteration: int) -> str:
    """The trace id that rows of one execution have here."""
    return f"{experiment_id}/{record_id}/{iteration}"


def rows(found: Iterable[bytes]) -> list[dict[str, Any]]:
    """What `Store.read` answered, as one dict per row."""
    return [json.loads(line) for line in b"".join(found).splitlines()]


def _ids(experiment_id: str, record_id: str, iteration: int) -> dict[str, Any]:
    return {"experiment_id": experiment_id, "record_id": record_id, "run_iteration": iteration}


def _dates() -> dict[str, Any]:
    return {"created_at": START, "updated_at": START}


def _now() -> datetime:
    return START + timedelta(days=1, microseconds=next(_received))
