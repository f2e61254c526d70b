"""The logs of an experiment: one per record and run iteration, those that did not run yet included.

What the service runs itself is known by its items; any other experiment by its case spans. A log's id
is the id of its trace; the id of its root span finds it as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from evalspan.api.respan import scoring
from evalspan.api.respan.call import Call
from evalspan.api.respan.values import look_up, parsed, text
from evalspan.errors import NotFoundError
from evalspan.jobs import Item
from evalspan.model import Json
from evalspan.store import sql

Log = dict[str, Any]
Row = Mapping[str, Any]
TEXTS: Final = ("input", "output", "expected_output")
_STATUS: Final = {
    "pending": "pending",
    "waiting": "pending",
    "running": "processing",
    "scoring": "success",
    "done": "success",
    "failed": "error",
}
FIELDS: Final = frozenset(
    {
        *TEXTS, "id", "trace_unique_id", "root_span_unique_id", "name", "status", "comparison_key",
        "start_time", "end_time", "timestamp", "duration", "latency", "span_count", "llm_call_count", "cost",
        "total_cost", "total_tokens", "total_prompt_tokens", "total_completion_tokens", "error_count",
        "error_message", "scores", "score", "record_id", "run_iteration",
        "customer_identifier", "metadata",
    }
)  # fmt: skip


def read(call: Call, experiment_id: str, log_id: str = "") -> list[Log]:
    """Every log with its scores, or one; without its texts where `fill` can add them.

    Raises:
        NotFoundError: there is no log of that id.
    """
    ours = _is_run_here(call, experiment_id)
    logs = _items(call, experiment_id, log_id) if ours else _cases(call, experiment_id, log_id)
    traces = [str(log["id"]) for log in logs] if log_id else []
    parameters = {"experiment_id": experiment_id, "trace_ids": traces}
    _add(logs, call.store.query(sql("queries/respan_traces"), parameters), _spans)
    _add(logs, call.store.query(sql("queries/respan_usage"), parameters), _usage)
    scores = scoring.read(call.store, experiment_id, traces)
    for log in logs:
        log["scores"] = scores.get(log["id"], {})
    return logs


def _is_run_here(call: Call, experiment_id: str) -> bool:
    """Whether its items say what its logs are. Without the dataset, its spans do."""
    if experiment_id not in call.jobs.progress(call.catalog, [experiment_id]):
        return False
    dataset_id = call.catalog.experiments.get(experiment_id).dataset_id
    try:
        return not dataset_id or bool(call.catalog.datasets.get(dataset_id))
    except NotFoundError:
        return False


def _items(call: Call, experiment_id: str, log_id: str) -> list[Log]:
    if log_id:
        return [_of_item(call.jobs.item(call.catalog, experiment_id, log_id))]
    return [_of_item(item) for item in call.jobs.items(call.catalog, experiment_id)]


def _cases(call: Call, experiment_id: str, log_id: str) -> list[Log]:
    rows = call.store.query(sql("queries/respan_cases"), {"experiment_id": experiment_id})
    found = [row for row in rows if not log_id or log_id in (row["trace_id"], row["span_id"])]
    if log_id and not found:
        raise NotFoundError(f"There is no log {log_id!r} in this experiment.")
    return [_of_case(row) for row in found]


def fill(call: Call, experiment_id: str, logs: Sequence[Log]) -> None:
    """Add the texts of those that lack them."""
    lacking = {(log["id"], log["root_span_unique_id"]): log for log in logs if "input" not in log}
    if lacking:
        parameters = {
            "experiment_id": experiment_id,
            "trace_ids": [trace for trace, _ in lacking],
            "span_ids": [span for _, span in lacking],
        }
        for row in call.store.query(sql("queries/respan_texts"), parameters):
            log = lacking.get((str(row["trace_id"]), str(row["span_id"])))
            if log is not None:
                log.update({name: parsed(row[name]) for name in TEXTS})
    for log in logs:
        log["comparison_key"] = comparison_key(log.get("input"))


def needs_texts(fields: Iterable[str]) -> bool:
    """Whether a filter or an order is about the texts."""
    return any(name.partition(".")[0] in {*TEXTS, "comparison_key"} for name in fields)


def get(log: Mapping[str, Any], name: str) -> Json:
    """A field of a log, as filters name it; a score is its value: `scores.SLUG`, or `scores.SLUG.FIELD`."""
    if name in {"cost", "latency", "timestamp"}:
        name = {"cost": "total_cost", "latency": "duration", "timestamp": "start_time"}[name]
    head, dot, rest = name.partition(".")
    if head in {"scores", "score"} and dot:
        return _score(log["scores"], rest)
    return look_up(log, name)


def comparison_key(value: Json) -> str:
    """The same for the same input, in every experiment."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def rendered(
    log: Mapping[str, Any], preview: int = 0, whole: Collection[str] = (), *, values: bool = False
) -> dict[str, Any]:
    """A log as it is answered. With `preview` the texts but those of `whole` are cut to so many characters,
    and said to be. With `values` they are not made texts."""
    shown = dict(log)
    cut: list[str] = []
    for name in () if values else TEXTS:
        written = text(log.get(name))
        shown[name] = written
        if written and 0 < preview < len(written) and name not in whole:
            shown[name] = written[:preview]
            cut.append(name)
    for name in ("start_time", "end_time"):
        moment: datetime | None = log.get(name)
        shown[name] = moment.isoformat() if moment else None
    shown |= {"trace_unique_id": log["id"], "latency": log["duration"], "environment": "prod"}
    return {**shown, "is_truncated": bool(cut), "truncated_fields": cut}


def _score(scores: scoring.Scores, rest: str) -> Json:
    """By slug or id of the evaluator, with or without a field of the score behind it."""
    slug, _, field = rest.rpartition(".")
    for name, inside in ((rest, ""), (slug, field)):
        found = scores.get(name) or next(
            (each for each in scores.values() if name and each["evaluator_id"] == name), None
        )
        if found:
            return found.get(inside) if inside else scoring.value(found)
    return None


def _of_item(item: Item) -> Log:
    return {
        "id": item.id,
        "root_span_unique_id": item.span_id,
        "record_id": item.record_id,
        "run_iteration": item.run_iteration,
        "name": item.name,
        "status": _STATUS[item.status],
        "run_status": item.status,
        "error_message": item.error or None,
        "input": item.input,
        "output": item.output,
        "expected_output": item.expected_output,
        "metadata": item.metadata,
        "start_time": item.started_at,
        "end_time": item.completed_at,
        "duration": item.metrics.latency,
    }


def _of_case(row: Row) -> Log:
    started: datetime = row["started_at"].replace(tzinfo=UTC)
    failed = row["status"] == "error"
    return {
        "id": row["trace_id"],
        "root_span_unique_id": row["span_id"],
        "record_id": row["record_id"],
        "run_iteration": row["run_iteration"],
        "name": "",
        "status": "error" if failed else "success",
        "run_status": "failed" if failed else "done",
        "error_message": (row["error"] or row["error_type"] or None) if failed else None,
        "metadata": {key: parsed(value) for key, value in row["metadata"].items()},
        "start_time": started,
        "end_time": started + timedelta(milliseconds=row["duration_ms"]),
        "duration": row["duration_ms"] / 1000,
    }


def _add(logs: Iterable[Log], rows: Iterable[Row], told: Callable[[Log, Row], Log]) -> None:
    """What rows of traces say of logs; each log gets the columns, empty where its trace has no row."""
    found = {str(row["trace_id"]): row for row in rows}
    for log in logs:
        log.update(told(log, found.get(log["id"], {})))


def _spans(log: Log, row: Row) -> Log:
    """Once its root span is there, that one says when and how long it ran."""
    timed: Log = {}
    if row.get("case_start") and log["run_status"] != "waiting":
        started, seconds = row["case_start"].replace(tzinfo=UTC), row["case_duration_ns"] / 1e9
        timed = {"start_time": started, "end_time": started + timedelta(seconds=seconds)}
        if log["duration"] is not None:
            timed["duration"] = seconds
    return {
        **timed,
        "name": log["name"] or row.get("name") or None,
        "span_count": row.get("span_count", 0),
        "llm_call_count": row.get("llm_calls", 0),
        "error_count": row.get("error_count", 0),
        "customer_identifier": row.get("user_id") or None,
        "first_token": row.get("first_token"),
        "generation_seconds": row.get("generation_seconds"),
    }


def _usage(_log: Log, row: Row) -> Log:
    return {
        "llm_call_count": row.get("llm_calls", 0),
        "total_cost": row.get("cost_usd"),
        "total_tokens": row.get("total_tokens"),
        "total_prompt_tokens": row.get("input_tokens"),
        "total_completion_tokens": row.get("output_tokens"),
    }
