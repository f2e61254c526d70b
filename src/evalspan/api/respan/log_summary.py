"""Figures over the logs of an experiment: the summary, and the histogram of one evaluator's scores.

A sum is over what is known; `unknown_cost_count` says of how many logs the cost is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from starlette.responses import Response

from evalspan.api.respan import logs, scoring
from evalspan.api.respan.call import Call, Operation, answer
from evalspan.api.respan.log_items import Log
from evalspan.api.respan.page import option
from evalspan.errors import NotFoundError, UsageError

_MOST_BINS: Final = 50


def summary(call: Call) -> Response:
    found, _ = logs.selected(call, call.catalog.experiments.get(call.path["experiment_id"]).experiment_id)
    return answer(
        {
            "number_of_requests": len(found),
            "total_count": len(found),
            "total_cost": _total(found, "total_cost"),
            "unknown_cost_count": sum(
                1 for log in found if log["llm_call_count"] and log["total_cost"] is None
            ),
            "total_tokens": _total(found, "total_tokens"),
            "total_prompt_tokens": _total(found, "total_prompt_tokens"),
            "total_completion_tokens": _total(found, "total_completion_tokens"),
            "error_count": sum(1 for log in found if log["status"] == "error"),
            "avg_latency": _mean(log["duration"] for log in found),
            "avg_tps": _mean(map(_speed, found)),
            "avg_ttft": _mean(log["first_token"] for log in found),
            "scores": scoring.summaries(log["scores"] for log in found),
            "score_errors": scoring.errors(log["scores"] for log in found),
        }
    )


def histogram(call: Call) -> Response:
    wanted, bins = str(option(call, "evaluator_id") or ""), _bins(call)
    if not wanted:
        raise UsageError("evaluator_id is needed.", pointer="/evaluator_id")
    found, _ = logs.selected(call, call.catalog.experiments.get(call.path["experiment_id"]).experiment_id)
    scores = [score for log in found for score in log["scores"].values() if _is(score, wanted)]
    if not scores and not _is_asked_for(call, wanted):
        there = ", ".join(sorted({slug for log in found for slug in log["scores"]})) or "none"
        raise NotFoundError(f"No log has a score of the evaluator {wanted!r}; there are scores of {there}.")
    if not scores:
        stats = {"min": None, "max": None, "mean": None, "total": 0}
        return answer({"evaluator_id": wanted, "evaluator_slug": wanted, "bins": [], "stats": stats})
    kind = scores[0]["score_value_type"]
    if kind not in {"numerical", "percentage", "boolean"}:
        raise UsageError(f"The scores of {wanted!r} are {kind}, not numbers.", pointer="/evaluator_id")
    values = [float(score["primary_score"]) for score in scores if score["primary_score"] is not None]
    names = {name: scores[0][name] for name in ("evaluator_id", "evaluator_slug", "evaluator_name")}
    shown = _truths(values) if kind == "boolean" else _counted(values, bins)
    stats = {
        "min": min(values, default=None),
        "max": max(values, default=None),
        "mean": _mean(values) if values else None,
        "total": len(values),
    }
    return answer({**names, "score_value_type": kind, "bins": shown, "stats": stats})


def _is_asked_for(call: Call, wanted: str) -> bool:
    """Whether it is an evaluator of the experiment that gave no score yet."""
    try:
        job = call.jobs.get(call.catalog, call.path["experiment_id"])
    except NotFoundError:
        return False
    return any(wanted in (each.slug, each.evaluator_id) for each in job.evaluators)


def _is(score: dict[str, Any], wanted: str) -> bool:
    return wanted in (score["evaluator_id"], score["evaluator_slug"])


def _bins(call: Call) -> int:
    given = option(call, "bins")
    try:
        bins = 20 if given in (None, "") else int(str(given))
    except ValueError:
        bins = 0
    if not 1 <= bins <= _MOST_BINS:
        raise UsageError(f"bins={given!r} is not a number from 1 to {_MOST_BINS}.", pointer="/bins")
    return bins


def _truths(values: list[float]) -> list[dict[str, Any]]:
    true = sum(1 for value in values if value)
    return [
        {"lower": 0.0, "upper": 0.5, "count": len(values) - true, "label": "false"},
        {"lower": 0.5, "upper": 1.0, "count": true, "label": "true"},
    ]


def _counted(values: list[float], bins: int) -> list[dict[str, Any]]:
    """Bins of one width between the least and the greatest; the last one includes its upper bound."""
    if not values:
        return []
    low, high = min(values), max(values)
    width = (high - low) / bins
    if width == 0:
        return [{"lower": low, "upper": high, "count": len(values)}]
    counts = [0] * bins
    for value in values:
        counts[min(int((value - low) / width), bins - 1)] += 1
    edges = [*(low + width * number for number in range(bins)), high]
    return [
        {"lower": edges[number], "upper": edges[number + 1], "count": count}
        for number, count in enumerate(counts)
    ]


def _total(found: Iterable[Log], name: str) -> float | int:
    return sum(log[name] for log in found if log[name] is not None)


def _mean(values: Iterable[float | None]) -> float:
    """0 where nothing is known: the clients' model has no other answer."""
    said = [value for value in values if value is not None and math.isfinite(value)]
    return sum(said) / len(said) if said else 0.0


def _speed(log: Log) -> float | None:
    tokens, seconds = log["total_completion_tokens"], log["generation_seconds"]
    return tokens / seconds if tokens and seconds else None


_EXPERIMENT: Final = "/api/v2/experiments/{experiment_id}/"
OPERATIONS = (
    Operation("GET POST", _EXPERIMENT + "logs/summary/", summary),
    Operation("GET POST", _EXPERIMENT + "histogram/", histogram),
)
