"""What people ask of a store of 20 million spans, 2 million cases and 6 million scores.

    python benchmarks/questions.py [--store chdb://PATH] [--spans 20000000] [--rounds 5] [--json FILE]
    python benchmarks/questions.py --short     # fails where an answer is wrong, and on nothing else

Fills the store unless it is filled already (`rows/`: every value follows from its number), and asks. Each
question is shown as a multiple of a bare scan in the same run: the columns involved, of the experiments
that the answer is about, summed without grouping, replacement or joins. `--plans` prints how each is read.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from reading import Taken, taken

from evalspan.analysis.aggregates import aggregates
from evalspan.analysis.compare import Choice, compare_experiments
from evalspan.experiments import Catalog
from evalspan.store import Store

ROWS: Final = Path(__file__).parent / "rows"
_RECORDS, _RUNS, _PARTS = 200, 3, 9
_CASES: Final = _RECORDS * _RUNS
_SPANS, _SCORES = _CASES * _PARTS, _CASES * 3
_OUTSIDE: Final = 10  # one span in ten is of no experiment
_AT_ONCE: Final = 50
_PAGE: Final = 50

_BARE_SPANS: Final = """
SELECT sum(cityHash64(record_id, run_iteration, span_type, start_time, duration_ns, total_tokens, cost_usd))
FROM spans_data WHERE experiment_id IN {ids:Array(String)}
"""
_BARE_SCORES: Final = """
SELECT sum(cityHash64(record_id, run_iteration, name, type, score_value, label_value, timestamp))
FROM evaluations_data WHERE experiment_id IN {ids:Array(String)}
"""
_BARE_TRACE: Final = """
SELECT sum(cityHash64(*)) FROM spans_data
WHERE experiment_id IN {ids:Array(String)} AND trace_id = {trace:String}
"""
_BARE_EXPERIMENTS: Final = "SELECT sum(cityHash64(*)) FROM experiments_data"
_RESULTS: Final = """
SELECT count() AS n, uniqExact(record_id) AS records, avg(duration_ms) AS duration_ms, sum(cost_usd) AS cost,
    avg(scores['similarity']) AS similarity
FROM experiment_results WHERE
"""
_BY_COMMIT: Final = """
experiment = {pipeline:String} AND run_iteration = 2 AND experiment_metadata['commit'] = {commit:String}
"""
_DISK: Final = """
SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
WHERE active AND database = currentDatabase() AND table IN ('spans_data', 'evaluations_data')
GROUP BY table ORDER BY table
"""
_NAMED: Final = """
SELECT experiment_id, experiment_name, experiment, metadata_map['commit'] AS commit
FROM experiments ORDER BY created_at, experiment_id
"""
_BOTH: Final = (_BARE_SPANS, _BARE_SCORES)


@dataclass(frozen=True)
class Size:
    experiments: int
    outside: int

    @classmethod
    def of(cls, spans: int) -> Size:
        outside = spans // _OUTSIDE
        return cls(max(1, -(-(spans - outside) // _SPANS)), outside)


@dataclass(frozen=True)
class Question:
    name: str
    ask: Callable[[], object]
    floor: tuple[str, ...]
    needed: int
    """Rows of the large tables that the answer is made of."""
    ids: tuple[str, ...]
    """The experiments that it is about."""
    statement: str = ""


def fill(store: Store, size: Size) -> None:
    """Insert everything, a few experiments at a time."""
    shape = {"records": _RECORDS, "runs": _RUNS}
    store.command("INSERT INTO projects_data (project_id, name, revision) SELECT 'bench', 'bench', 1")
    store.command(_rows("experiments"), {**shape, "experiments": size.experiments})
    for first in range(0, size.experiments, _AT_ONCE):
        last = min(size.experiments, first + _AT_ONCE) - 1
        for name in ("cases", "scores"):
            store.command(_rows(name), {**shape, "first": first, "last": last})
        if sys.stderr.isatty():
            print(f"\r{last + 1} of {size.experiments} experiments", end="", file=sys.stderr, flush=True)
    for first in range(0, size.outside, 500_000):
        store.command(_rows("outside"), {"first": first, "count": min(500_000, size.outside - first)})


def _rows(name: str) -> str:
    return (ROWS / f"{name}.sql").read_text(encoding="utf-8")


def statements() -> Iterator[tuple[str, str, tuple[str, ...], int]]:
    """(name, statement, the floor under it, rows needed)"""
    of_spans = "SELECT count(), sum(cost_usd) FROM spans WHERE experiment_id = {id:String}"
    yield "spans of an experiment", of_spans, (_BARE_SPANS,), _SPANS
    for name, condition in {
        "summary of an experiment": "experiment_id = {id:String}",
        "  the same by its name": "experiment_name = {name:String}",
    }.items():
        yield name, f"SELECT * FROM experiment_summary WHERE {condition}", (_BARE_SCORES,), _SCORES
    for name, condition in {
        "results of an experiment": "experiment_id = {id:String}",
        "  the same by its name": "experiment_name = {name:String}",
        "  by pipeline, run and commit": _BY_COMMIT,
        "search by a record's metadata": "experiment_id = {id:String} AND metadata['topic'] = 'topic-3'",
    }.items():
        yield name, _RESULTS + condition, _BOTH, _SPANS + _SCORES
    trace = "SELECT * FROM spans WHERE trace_id = {trace:String} ORDER BY start_time"
    yield "one trace", trace, (_BARE_TRACE,), _PARTS
    latest = "SELECT * FROM experiments ORDER BY created_at DESC LIMIT 50"
    yield "the latest experiments", latest, (_BARE_EXPERIMENTS,), 0


def questions(store: Store, about: dict[str, Any]) -> Iterator[Question]:
    for name, statement, floor, needed in statements():
        ask = partial(store.query, statement, about)
        yield Question(name, ask, floor, needed, (about["id"],), statement)
    catalog = Catalog(store)
    rows = _SPANS + _SCORES
    pair = [catalog.experiments.get(each) for each in about["ids"]]
    compare = partial(compare_experiments, store, *(Choice(each, None) for each in pair))
    yield Question("comparison of two", compare, _BOTH, 2 * rows, tuple(about["ids"]))
    page = catalog.experiments.find(limit=_PAGE).items
    ids = tuple(each.experiment_id for each in page)
    yield Question(
        "a page of 50 with aggregates", partial(aggregates, store, page), _BOTH, len(ids) * rows, ids
    )


def subject(store: Store) -> dict[str, Any]:
    """Two experiments out of the middle, and a trace of the first."""
    found = store.query(_NAMED)
    one, other = found[len(found) // 2], found[len(found) // 2 - 1]
    ids = [str(one["experiment_id"]), str(other["experiment_id"])]
    newest = "SELECT max(trace_id) AS trace FROM spans_data WHERE experiment_id = {id:String}"
    [trace] = store.query(newest, {"id": ids[0]})
    names = {"name": one["experiment_name"], "pipeline": one["experiment"], "commit": one["commit"]}
    return {"id": ids[0], "ids": ids, "trace": trace["trace"], **names}


def show(store: Store, rounds: int, plans: bool) -> list[dict[str, Any]]:
    about = subject(store)
    floors: dict[object, Taken] = {}
    figures: list[dict[str, Any]] = []
    print(f"{'':32}{'ms':>8}{'of CPU':>8}{'x bare':>8}{'rows read':>13}{'needed':>10}")
    for each in questions(store, about):
        if (each.floor, each.ids) not in floors:
            floors[each.floor, each.ids] = taken(store, rounds, partial(scan, store, each, about))
        floor, found = floors[each.floor, each.ids], taken(store, rounds, each.ask)
        times = f"{found.seconds * 1e3:8.0f}{found.cpu * 1e3:8.0f}{found.cpu / floor.cpu:8.1f}"
        print(f"{each.name:32}{times}{found.rows:13,}{each.needed:10,}", flush=True)
        said = {"floor_cpu": floor.cpu, "needed": each.needed}
        figures.append({"question": each.name.strip(), **asdict(found), **said})
        if plans and each.statement:
            lines = store.query(f"EXPLAIN indexes = 1 {each.statement}", about)
            print("\n".join(f"    {str(line['explain'])[:150]}" for line in lines))
    return figures


def scan(store: Store, question: Question, about: dict[str, Any]) -> None:
    """The floor under a question."""
    for statement in question.floor:
        store.query(statement, {**about, "ids": list(question.ids)})


def check(store: Store) -> None:
    """Whether the views say what the rows were made of, whichever way they are asked."""
    about = subject(store)
    conditions = ("experiment_id = {id:String}", "experiment_name = {name:String}")
    answers = [store.query(_RESULTS + condition, about)[0] for condition in conditions]
    if any((each["n"], each["records"]) != (_CASES, _RECORDS) for each in answers):
        raise SystemExit(f"{_CASES} cases of {_RECORDS} records were stored, and read as {answers}.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", default="", help="chdb://PATH or a server; default: a temporary one")
    parser.add_argument("--spans", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plans", action="store_true", help="print how each question is read")
    parser.add_argument("--short", action="store_true", help="120,000 spans, one round")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    given = parser.parse_args()
    size = Size.of(120_000 if given.short else given.spans)
    with tempfile.TemporaryDirectory() as folder, Store(given.store or f"chdb://{folder}/store") as store:
        if not store.query("SELECT experiment_id FROM experiments LIMIT 1"):
            start = time.perf_counter()
            fill(store, size)
            print(f"filled in {time.perf_counter() - start:.0f} s")
        check(store)
        disk = store.query(_DISK)
        for row in disk:
            print(f"{row['table']}: {row['rows']:,} rows, {row['bytes'] / row['rows']:.0f} bytes each")
        figures = show(store, 1 if given.short else given.rounds, given.plans)
    if given.json:
        given.json.write_text(json.dumps({"disk": disk, "questions": figures}, indent=1, default=str))


if __name__ == "__main__":
    main()
