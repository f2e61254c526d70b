"""The spans of one log as a tree: its root is the case, below it the work and the evaluators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from evalspan import attributes as names
from evalspan.api.respan.scoring import Scores
from evalspan.api.respan.values import parsed, text
from evalspan.model import Json, dump
from evalspan.store import Store, sql

_LOG_TYPES: Final = {
    names.CASE: "workflow",
    names.WORKFLOW: "workflow",
    names.CHAIN: "workflow",
    names.LLM: "chat",
    names.EMBEDDING: "embedding",
    names.TOOL: "tool",
    names.AGENT: "agent",
    names.TASK: "task",
    names.EVALUATOR: "score",
    names.RETRIEVER: "function",
    names.GUARDRAIL: "guardrail",
}
_SCORE: Final = "evaluator."
Span = dict[str, Any]


def read(store: Store, experiment_id: str, logs: Sequence[Mapping[str, Any]]) -> dict[str, list[Span]]:
    """Log id -> tree; empty where nothing ran yet. A span whose parent is elsewhere hangs below the root,
    so that none is lost."""
    ids = [str(log["id"]) for log in logs]
    parameters = {"experiment_id": experiment_id, "trace_ids": ids}
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in store.query(sql("queries/respan_spans"), parameters) if ids else ():
        rows.setdefault(str(row["trace_id"]), []).append(row)
    return {identity: _tree(rows.get(identity, []), log) for identity, log in zip(ids, logs, strict=True)}


def _tree(rows: list[dict[str, Any]], log: Mapping[str, Any]) -> list[Span]:
    spans = {str(row["span_id"]): _span(row, log["id"], log["scores"]) for row in rows}
    root = str(log["root_span_unique_id"])
    return _nested(rows, spans, root if root in spans else "")


def _nested(rows: list[dict[str, Any]], spans: dict[str, Span], root: str) -> list[Span]:
    tops: list[Span] = [spans[root]] if root else []
    for row in rows:
        identity, parent = str(row["span_id"]), str(row["parent_span_id"])
        if identity == root:
            continue
        above = spans.get(parent) if parent != identity else None
        above = above or spans.get(root)
        (above["children"] if above else tops).append(spans[identity])
    return tops


def _span(row: Mapping[str, Any], trace_id: str, scores: Scores) -> Span:
    started: datetime = row["start_time"].replace(tzinfo=UTC)
    seconds = row["duration_ns"] / 1e9
    failed = row["status"] == "error"
    slug = _evaluator(row)
    output = row["output"] or row["attributes"].get(names.OUTPUT_MESSAGES)
    return {
        "id": row["span_id"],
        "unique_id": row["span_id"],
        "trace_unique_id": trace_id,
        "span_parent_id": row["parent_span_id"] or None,
        "span_name": row["name"],
        "log_type": "score" if slug else _LOG_TYPES.get(row["span_type"], "custom"),
        "status": "error" if failed else "success",
        "status_code": 500 if failed else 200,
        "error_message": (row["status_message"] or row["error_type"] or None) if failed else None,
        "input": text(parsed(row["input"] or row["attributes"].get(names.INPUT_MESSAGES))),
        "output": dump({slug: _shown(scores[slug])}) if slug in scores else text(parsed(output)),
        "start_time": started.isoformat(),
        "end_time": (started + timedelta(seconds=seconds)).isoformat(),
        "timestamp": started.isoformat(),
        "latency": seconds,
        "model": row["response_model"] or row["request_model"] or None,
        "prompt_tokens": row["input_tokens"],
        "completion_tokens": row["output_tokens"],
        "total_request_tokens": row["total_tokens"],
        "cost": row["cost_usd"],
        "tokens_per_second": _rate(row["output_tokens"], seconds),
        "time_to_first_token": row["time_to_first_token"],
        "metadata": _metadata(row["attributes"]),
        "dataset_id": row["attributes"].get(names.DATASET_ID),
        "customer_identifier": row["user_id"] or None,
        "thread_identifier": row["session_id"] or None,
        "children": [],
    }


def _evaluator(row: Mapping[str, Any]) -> str:
    """The slug of the evaluator whose span this is, or ''; what an evaluator calls is not its span."""
    if row["span_type"] == names.EVALUATOR:
        return str(row["evaluator"] or row["name"].removeprefix(_SCORE))
    return ""


def _shown(score: Mapping[str, Any]) -> dict[str, Json]:
    return {name: value for name, value in score.items() if value is not None}


def _metadata(attributes: Mapping[str, str]) -> dict[str, Json]:
    return {
        key.removeprefix(names.METADATA_PREFIX): parsed(value)
        for key, value in attributes.items()
        if key.startswith(names.METADATA_PREFIX)
    }


def _rate(tokens: int | None, seconds: float) -> float | None:
    return tokens / seconds if tokens and seconds else None
