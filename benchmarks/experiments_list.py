"""How long listing experiments takes with `aggregate_data`, and what it reads.

    python benchmarks/experiments_list.py [--store chdb://PATH] [--experiments 1000] [--rounds 7]

Fills the store unless it is filled already (a temporary one without `--store`), then times what a page
asks for, as a multiple of a bare scan in the same run: the columns involved of the same experiments,
summed without grouping, deduplication or joins. Then, for each table, the rows in the granules that the
primary key selects against the rows that the page needs, and the plans.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from generate import Shape, add_options, fill, shape_of

from evalspan.analysis.aggregates import aggregates
from evalspan.experiments import Catalog, Experiment
from evalspan.store import Store, sql

PAGE = 50
BARE = """
SELECT
    (SELECT sum(cityHash64(experiment_id, trace_id, span_id, record_id, run_iteration, span_type, start_time,
        status, duration_ns, parent_span_id, total_tokens, cost_usd, received_at))
     FROM spans_data WHERE experiment_id IN {ids:Array(String)}),
    (SELECT sum(cityHash64(experiment_id, trace_id, span_id, record_id, run_iteration, name, source, type,
        score_value, label_value, error, timestamp, received_at))
     FROM evaluations_data WHERE experiment_id IN {ids:Array(String)})
"""
NEEDED = "SELECT count() AS n FROM {table} WHERE experiment_id IN {{ids:Array(String)}}"
HELD = """
SELECT (SELECT count() FROM spans_data) AS spans, (SELECT count() FROM evaluations_data) AS scores
"""
AGGREGATES = ("aggregate_cases", "aggregate_scores")


def medians(rounds: int, call: Callable[[], object]) -> tuple[float, float]:
    """Medians of the seconds and of the CPU seconds of a call, after one call to warm up. The CPU is that of
    this process, the embedded engine's threads included: on a busy machine it is the steadier figure."""
    call()
    wall, cpu = zip(*(_seconds(call) for _ in range(rounds)), strict=True)
    return statistics.median(wall), statistics.median(cpu)


def _seconds(call: Callable[[], object]) -> tuple[float, float]:
    start, used = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - start, time.process_time() - used


def time_all(store: Store, rounds: int) -> None:
    find = Catalog(store).experiments.find
    page = find(limit=PAGE).items
    ids = {"ids": [experiment.experiment_id for experiment in page]}
    floor = medians(rounds, lambda: store.query(BARE, ids))

    def listed(**filters: Any) -> Callable[[], object]:
        return lambda: aggregates(store, find(limit=PAGE, **filters).items)

    def show(name: str, wall: float, cpu: float) -> None:
        ratio = f"{wall / floor[0]:6.1f} x"
        print(f"{name:44} {wall * 1000:7.0f} ms {ratio} {cpu * 1000:7.0f} ms of CPU {cpu / floor[1]:6.1f} x")

    show("bare scan of the columns", *floor)
    for name, call in {
        f"list {PAGE}, without aggregate_data": lambda: find(limit=PAGE),
        f"filter[metadata] by branch, {PAGE} without": lambda: find(limit=PAGE, metadata={"branch": "main"}),
        "filter[metadata] by commit, without": lambda: find(limit=PAGE, metadata={"commit": "9e37000"}),
        "  query aggregate_cases": lambda: store.query(sql("queries/aggregate_cases"), ids),
        "  query aggregate_scores": lambda: store.query(sql("queries/aggregate_scores"), ids),
        f"aggregate_data of {PAGE}": lambda: aggregates(store, page),
        f"list {PAGE} with aggregate_data": listed(),
        f"filter[experiment] and [metadata], {PAGE} with": listed(
            experiment="pipeline-0", metadata={"tags": ["branch:main"]}
        ),
        "one experiment by id, with": listed(ids=[page[0].experiment_id]),
    }.items():
        show(name, *medians(rounds, call))
    show_reads(store, page)


def show_reads(store: Store, page: Sequence[Experiment]) -> None:
    ids = {"ids": [experiment.experiment_id for experiment in page]}
    for query in AGGREGATES:
        print(f"\n{query}: rows of the granules read, against the rows of the page in that table")
        for table, selected, total in reads(store, query, ids):
            needed = store.query(NEEDED.format(table=table), ids)[0]["n"]
            ratio = f"{selected / needed:5.1f} x" if needed else ""
            print(f"  {table:18} {selected:>10,} of {total:>11,} rows; needed {needed:>9,} {ratio}")
    for query in AGGREGATES:
        print(f"\nEXPLAIN indexes = 1 of {query}")
        lines = store.query(f"EXPLAIN indexes = 1 {sql(f'queries/{query}')}", ids)
        print("\n".join(shorten(str(line["explain"])) for line in lines))


def reads(store: Store, query: str, ids: dict[str, Any]) -> Iterator[tuple[str, int, int]]:
    """(table, rows in the selected granules, rows in the table) of each read of the plan."""
    explained = store.query(f"EXPLAIN json = 1, indexes = 1 {sql(f'queries/{query}')}", ids)
    pending = [json.loads("\n".join(str(row["explain"]) for row in explained))[0]["Plan"]]
    while pending:
        step = pending.pop()
        pending += step.get("Plans", [])
        if step["Node Type"] == "ReadFromMergeTree" and step.get("Indexes"):
            table = str(step["Description"]).split(".")[-1]
            rows = store.query(f"SELECT count() AS n FROM {table}")[0]["n"]
            granules = step["Indexes"][0]["Initial Granules"]
            selected = step["Indexes"][-1]["Selected Granules"]
            yield table, rows * selected // max(1, granules), rows


def shorten(line: str) -> str:
    """A line of a plan without the ids and the long actions."""
    return re.sub(r"\('[0-9a-f-]{36}'.*?more\)", "(ids)", line)[:160]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", default="", help="chdb://PATH or a server; default: a temporary one")
    parser.add_argument("--rounds", type=int, default=7)
    add_options(parser)
    given = parser.parse_args()
    shape: Shape = shape_of(given)
    with Store(given.store or f"chdb://{tempfile.mkdtemp()}") as store:
        if not store.query("SELECT experiment_id FROM experiments LIMIT 1"):
            seconds, _ = _seconds(lambda: fill(store, shape))
            print(f"filled: {shape.spans:,} spans, {shape.scores:,} scores in {seconds:.0f} s")
        [held] = store.query(HELD)
        print(f"the store holds {held['spans']:,} spans and {held['scores']:,} scores\n")
        time_all(store, given.rounds)


if __name__ == "__main__":
    main()
