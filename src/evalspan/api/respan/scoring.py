"""Scores as this face shows them: the value in the field of its kind, keyed by the evaluator's slug."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from evalspan.api.respan.values import parsed
from evalspan.model import Json
from evalspan.store import Store, sql

_COLUMNS: Final = (
    "type", "score_value", "label_value", "json_value", "explanation", "assessment", "evaluator_id",
    "evaluator_type", "evaluator_version", "error", "error_type", "metadata", "tags", "span_id", "timestamp",
)  # fmt: skip
_KINDS: Final = {"score": "numerical", "boolean": "boolean", "categorical": "single_select", "json": "json"}
FIELD: Final = {
    "numerical": "numerical_value",
    "percentage": "numerical_value",
    "boolean": "boolean_value",
    "text": "string_value",
    "comment": "string_value",
    "single_select": "categorical_value",
    "multi_select": "categorical_value",
    "categorical": "categorical_value",
    "json": "json_value",
}
"""Which field holds the value of each kind of score."""
Scores = dict[str, dict[str, Any]]
"""Slug -> score."""


def read(store: Store, experiment_id: str, trace_ids: Sequence[str] = ()) -> dict[str, Scores]:
    """Trace id -> the latest score of each evaluator; of all traces where none is given."""
    rows = store.query(
        sql("queries/respan_scores"), {"experiment_id": experiment_id, "trace_ids": list(trace_ids)}
    )
    found: dict[str, Scores] = {}
    for row in rows:
        score = rendered(str(row["name"]), dict(zip(_COLUMNS, row["latest"], strict=True)))
        found.setdefault(str(row["trace_id"]), {})[str(row["name"])] = score
    return found


def rendered(slug: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """One score."""
    kind = str(row["metadata"].get("score_value_type") or _KINDS.get(row["type"], "text"))
    number = row["score_value"]
    return {
        "evaluator_id": row["evaluator_id"] or slug,
        "evaluator_slug": slug,
        "evaluator_name": row["metadata"].get("evaluator_name") or slug,
        "evaluator_version": row["evaluator_version"] or None,
        "type": row["evaluator_type"] or None,
        "score_value_type": kind,
        FIELD.get(kind, "string_value"): _value(kind, row),
        "primary_score": number,
        "avg_score": number if kind in {"numerical", "percentage"} else None,
        "true_count": int(number == 1) if kind == "boolean" and number is not None else None,
        "false_count": int(number == 0) if kind == "boolean" and number is not None else None,
        "is_passed": {"pass": True, "fail": False}.get(row["assessment"]),
        "explanation": row["explanation"] or None,
        "error_message": row["error"] or row["error_type"] or None,
        "status": "error" if row["error"] or row["error_type"] else "success",
        "scorer": row["tags"].get("scorer") or None,
        "created_at": row["timestamp"].isoformat() + "+00:00",
    }


def value(score: Mapping[str, Any]) -> Json:
    """The value of a score that was rendered."""
    return score.get(FIELD.get(str(score["score_value_type"]), "string_value"))


def _value(kind: str, row: Mapping[str, Any]) -> Json:
    number, label, written = row["score_value"], row["label_value"], row["json_value"]
    match FIELD.get(kind, "string_value"):
        case "numerical_value":
            return number
        case "boolean_value":
            return None if number is None else bool(number)
        case "json_value":
            return written
        case "categorical_value":
            if written is not None:
                return parsed(written)
            return None if label is None else [label]
        case _:
            return label


def summaries(scores: Iterable[Scores]) -> Scores:
    """Per evaluator, of the kinds that have a mean: over all executions that have a score."""
    values: dict[str, list[float]] = {}
    shown: Scores = {}
    for each in scores:
        for slug, score in each.items():
            if score["score_value_type"] not in {"numerical", "percentage", "boolean"}:
                continue
            names = ("evaluator_id", "evaluator_slug", "evaluator_name", "score_value_type")
            shown.setdefault(slug, {name: score[name] for name in names})
            if score["primary_score"] is not None:
                values.setdefault(slug, []).append(float(score["primary_score"]))
    for slug, entry in shown.items():
        entry.update(_figures(str(entry["score_value_type"]), values.get(slug, [])))
        entry["evaluator_family_id"] = entry["evaluator_id"]
    return shown


def errors(scores: Iterable[Scores]) -> dict[str, dict[str, Any]]:
    """Per evaluator that failed, whatever its kind: how often, and why once."""
    found: dict[str, dict[str, Any]] = {}
    for each in scores:
        for slug, score in each.items():
            if score["status"] == "error":
                entry = found.setdefault(slug, {"count": 0, "error_message": score["error_message"]})
                entry["count"] += 1
    return found


def _figures(kind: str, values: list[float]) -> dict[str, Any]:
    mean = sum(values) / len(values) if values else None
    if kind == "boolean":
        true = sum(1 for each in values if each)
        return {
            "avg_score": mean,
            "true_count": true,
            "false_count": len(values) - true,
            "count": len(values),
        }
    return {"avg_score": mean, "count": len(values)}
