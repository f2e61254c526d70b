"""Comparing two experiments of a store: one run of each, or all runs of each."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from evalspan.analysis.comparison import Comparison, Result, Side, compare
from evalspan.errors import NotFoundError
from evalspan.experiments import Experiment
from evalspan.store import Store, sql


class Choice(NamedTuple):
    """A side of a comparison; without a run, every run of it: record means and modes."""

    experiment: Experiment
    run: int | None = None


def compare_experiments(
    store: Store, a: Choice, b: Choice, *, lower_is_better: Collection[str] = (), texts: bool = False
) -> Comparison:
    """Compare record by record.

    Args:
        lower_is_better: evaluators of which less is better.
        texts: read the records' input and, of single runs, both outputs.

    Raises:
        NotFoundError: an experiment has no such run.
    """
    return compare(
        _results(store, a, texts),
        _results(store, b, texts),
        lower_is_better=lower_is_better,
        sides=(_side(a), _side(b)),
    )


def _side(choice: Choice) -> Side:
    experiment = choice.experiment
    return Side(
        experiment_id=experiment.experiment_id, experiment_name=experiment.experiment_name, run=choice.run
    )


def _results(store: Store, choice: Choice, texts: bool) -> list[Result]:
    statement = "compare_records" if choice.run is None else "compare_runs"
    wanted = {"experiment_id": choice.experiment.experiment_id, "run": choice.run or 0}
    rows = store.query(sql(f"queries/{statement}"), wanted)
    if not rows:
        name = choice.experiment.experiment_name
        what = "has no results" if choice.run is None else f"has no run iteration {choice.run}"
        raise NotFoundError(f"The experiment {name!r} {what}.")
    if texts:
        found = {row["record_id"]: row for row in store.query(sql(f"queries/{statement}_texts"), wanted)}
        rows = [{**row, **found.get(row["record_id"], {})} for row in rows]
    return [Result(**row) for row in rows]
