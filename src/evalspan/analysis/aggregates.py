"""`aggregate_data`: what an experiment came to, without reading its spans one by one.

Two queries serve a whole page of experiments. Every number of a section without data is null, never
0: an experiment that scored nothing has no mean. docs/ci.md describes the shape field by field.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalspan.experiments import Experiment
from evalspan.store import Store, sql

Row = Mapping[str, Any]
Data = dict[str, Any]

MAX_CATEGORIES = 100
_OVERALL = -1
_BATCH = 200  # experiments in one query: bounds the memory that a page of 5,000 takes
_QUANTILES = ("p5", "p25", "p50", "p75", "p95")
_SECTIONS = {"record": "evaluators", "summary": "summary_evaluators"}


def aggregates(store: Store, experiments: Sequence[Experiment]) -> dict[str, Data]:
    """The `aggregate_data` of each experiment, by id."""
    found: dict[str, Data] = {}
    for first in range(0, len(experiments), _BATCH):
        batch = experiments[first : first + _BATCH]
        ids = {"ids": [experiment.experiment_id for experiment in batch]}
        cases = _by_run(store.query(sql("queries/aggregate_cases"), ids))
        scores = _by_run(store.query(sql("queries/aggregate_scores"), ids))
        for experiment in batch:
            key = experiment.experiment_id
            found[key] = _experiment(experiment, cases.get(key, {}), scores.get(key, {}))
    return found


def _by_run(rows: Sequence[Row]) -> dict[str, dict[int, list[Row]]]:
    """Experiment -> run (`_OVERALL` for all of them) -> rows."""
    found: defaultdict[str, defaultdict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row["experiment_id"]][row["run"]].append(row)
    return {experiment_id: dict(runs) for experiment_id, runs in found.items()}


def _experiment(experiment: Experiment, cases: dict[int, list[Row]], scores: dict[int, list[Row]]) -> Data:
    expected = experiment.expected_records
    runs = sorted((cases.keys() | scores.keys()) - {_OVERALL})
    # An experiment that only its spans announced has run_count 0.
    overall = None if expected is None else expected * max(1, experiment.run_count)
    return {
        **_section(cases.get(_OVERALL, []), scores.get(_OVERALL, []), overall),
        "runs": [
            {"run_iteration": run, **_section(cases.get(run, []), scores.get(run, []), expected)}
            for run in runs
        ],
    }


def _section(cases: Sequence[Row], scores: Sequence[Row], expected: int | None) -> Data:
    """What stands of all runs at the top, and of each run in `runs`."""
    row: Row = cases[0] if cases else defaultdict(int, duration_mean=None, duration_quantiles=[None, None])
    evaluators: dict[str, Data] = {section: {} for section in _SECTIONS.values()}
    for score in scores:
        evaluators[_SECTIONS.get(score["source"], "evaluators")][score["name"]] = _evaluator(score)
    return {
        "cases": _cases(row, expected),
        "duration_ms": {
            "mean": _number(row["duration_mean"]),
            "p50": _number(row["duration_quantiles"][0]),
            "p95": _number(row["duration_quantiles"][1]),
        },
        "llm_calls": row["llm_calls"],
        "tokens": {kind: _usage(row, f"{kind}_tokens") for kind in ("input", "output", "total")},
        "cost_usd": _usage(row, "cost"),
        **evaluators,
    }


def _cases(row: Row, expected: int | None) -> Data:
    count = row["cases"]
    return {
        "count": count,
        "failed": row["failed"],
        "error_rate": row["failed"] / count if count else None,
        "records": row["records"],
        "expected": expected,
        "missing": None if expected is None else max(0, expected - count),
    }


def _usage(row: Row, column: str) -> Data:
    """A total with an unknown part is unknown; what is known of it stands beside it."""
    calling, unknown = row["calling_cases"], row[f"unknown_{column}"]
    known = _number(row[column]) if calling > unknown else None
    return {
        "total": None if unknown else known,
        "known_total": known,
        "mean": None if known is None else known / (calling - unknown),
        "unknown_cases": unknown,
    }


def _evaluator(row: Row) -> Data:
    """One evaluator's scores; `multi_run` only over all runs."""
    quantiles = dict(zip(_QUANTILES, map(_number, row["quantiles"]), strict=True))
    found: Data = {
        "type": row["type"],
        "evaluations": row["evaluations"],
        "count": row["count"],
        "n_errors": row["n_errors"],
        "error_rate": row["n_errors"] / row["evaluations"],
        "mean": _number(row["mean"]),
        "stddev": _number(row["stddev"]),
        "min": row["min"],
        "max": row["max"],
        "quantiles": quantiles if row["n_scores"] else None,
        "histogram": _histogram(row) if row["n_scores"] else None,
        **_categories(row["label_counts"]),
    }
    if row["run"] == _OVERALL:
        found["multi_run"] = {
            "mean": _number(row["mean_of_means"]),
            "stddev": _number(row["stddev_of_means"]),
            "n_means": row["n_means"],
            "n_modes": sum(row["mode_counts"].values()),
            **_categories(row["mode_counts"]),
        }
    return found


def _histogram(row: Row) -> Data:
    return {"edges": [_number(edge) for edge in row["edges"]], "counts": list(row["buckets"])}


def _categories(counts: Mapping[str, int]) -> Data:
    """The labels, the most frequent first; a tie goes to the label that sorts first."""
    ordered = list(_most_frequent(counts))
    return {
        "mode": ordered[0][0] if ordered else None,
        "categories": dict(ordered[:MAX_CATEGORIES]) if ordered else None,
        "n_categories": len(ordered),
    }


def _most_frequent(counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    yield from sorted(counts.items(), key=lambda item: (-item[1], item[0].encode()))


def _number(value: float | None) -> float | None:
    """JSON has no infinity; a sum of the largest doubles can come to it."""
    return value if value is None or math.isfinite(value) else None
