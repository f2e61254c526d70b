"""A comparison for people (table, Markdown) and for programs (JSON, CSV)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from evalspan.analysis.comparison import Comparison, Pair, Row, Side
from evalspan.cli.output import markdown, render, shown, table

FORMATS = ("table", "json", "markdown", "csv")
_SCORES = ("evaluator", "A", "B", "B - A", "95 % interval", "records", "better", "worse", "same", "unpaired")
_LABELS = ("evaluator", "A", "B", "records")

Grid = Callable[[Sequence[str], Sequence[Sequence[str]]], str]


def report(
    comparison: Comparison, output_format: str, reasons: Sequence[str], *, gated: bool, rows: bool
) -> str:
    """The whole comparison as text.

    Args:
        reasons: why the gate failed.
        gated: there was a gate.
        rows: with the records that differ; JSON and CSV have every record anyway.
    """
    if output_format == "json":
        gate = {"passed": not reasons, "reasons": list(reasons)} if gated else None
        return json.dumps({**comparison.model_dump(), "gate": gate}, ensure_ascii=False, indent=2)
    if output_format == "csv":
        return render([line for row in comparison.rows for line in _lines(row)], "csv")
    grid: Grid = markdown if output_format == "markdown" else table
    return "\n\n".join(_parts(comparison, reasons, grid, gated=gated, rows=rows))


def _parts(
    comparison: Comparison, reasons: Sequence[str], grid: Grid, *, gated: bool, rows: bool
) -> Iterator[str]:
    yield _head(comparison)
    if comparison.scores:
        yield grid(_SCORES, _score_cells(comparison))
    for labels in comparison.labels:
        share = "unknown" if labels.agreement is None else f"{labels.agreement:.1%}"
        yield f"{labels.name}: the same on {share} of {labels.n} records ({labels.unpaired} unpaired)"
        if labels.table:
            cells = [[labels.name, cell.a, cell.b, str(cell.records)] for cell in labels.table]
            yield grid(_LABELS, cells)
    if not comparison.scores and not comparison.labels:
        yield "Neither side has a score."
    if rows:
        differing = [line for row in comparison.rows for line in _lines(row) if line["verdict"] != "same"]
        if differing:
            header = list(dict.fromkeys(name for line in differing for name in line))
            yield grid(header, [[shown(line.get(name)) for name in header] for line in differing])
        else:
            yield "No record differs."
    if gated:
        yield (
            "\n".join(["The gate failed:", *(f"- {reason}" for reason in reasons)])
            if reasons
            else ("The gate passed.")
        )


def _head(comparison: Comparison) -> str:
    lines = [_side("A", comparison.a), _side("B", comparison.b)]
    if comparison.only_a or comparison.only_b:
        lines.append(f"{comparison.only_a} records only in A, {comparison.only_b} only in B")
    return "\n".join(f"- {line}" for line in lines)


def _side(letter: str, side: Side) -> str:
    which = "all runs" if side.run is None else f"run {side.run}"
    return (
        f"{letter}: {side.experiment_name} ({side.experiment_id}), {which}: "
        f"{side.records} records, {side.failed} failed"
    )


def _score_cells(comparison: Comparison) -> list[list[str]]:
    return [
        [
            score.name + (" (lower is better)" if score.lower_is_better else ""),
            shown(score.mean_a),
            shown(score.mean_b),
            "" if score.difference is None else f"{score.difference:+.4g}",
            "" if score.low is None or score.high is None else f"{score.low:+.4g} to {score.high:+.4g}",
            *map(str, (score.n, score.better, score.worse, score.same, score.unpaired)),
        ]
        for score in comparison.scores
    ]


def _lines(row: Row) -> Iterator[dict[str, object]]:
    """One line per record and evaluator."""
    texts = {"input": row.input, "output_a": row.output_a, "output_b": row.output_b}
    pairs: list[tuple[str, Pair]] = [*row.scores.items(), *row.labels.items()]
    for name, pair in pairs:
        yield {
            "record_id": row.record_id,
            "evaluator": name,
            "a": pair.a,
            "b": pair.b,
            "difference": pair.difference,
            "verdict": pair.verdict,
            **{name: text for name, text in texts.items() if text is not None},
        }
