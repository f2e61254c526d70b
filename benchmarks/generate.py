"""Fill a store with experiments: cases, LLM calls, scores, straight through `Store.insert`.

    python benchmarks/generate.py --store chdb://bench --experiments 1000 --records 200 --runs 3

Every value follows from the shape, so two stores of one shape hold the same rows. `children` adds
further spans to each case and `outside` adds calls that belong to no experiment (what an app in
production sends to the same store), which is how a store of 20 million spans is made.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from evalspan.store import Store

Block = dict[str, list[Any]]

PROJECT, DATASET = "bench-project", "bench-dataset"
BRANCHES = ("main", "main", "main", "feat/foo", "fix/bar")
MODELS = ("gpt-4o-mini", "gpt-4o", "claude-sonnet")
LABELS = ("good", "fair", "poor")
_START_NS = 1_767_225_600_000_000_000  # 2026-01-01
_OUTSIDE_BLOCK = 100_000
_WORDS = ["the", "model", "was", "asked", "about", "a", "city", "and", "said", "what", "it", "knew"]


@dataclass(frozen=True)
class Shape:
    """How much there is. `records` x `runs` cases per experiment, one LLM call in each."""

    experiments: int = 1000
    records: int = 200
    runs: int = 3
    evaluators: int = 3
    children: int = 0
    outside: int = 0
    text_bytes: int = 300

    @property
    def cases(self) -> int:
        return self.experiments * self.records * self.runs

    @property
    def spans(self) -> int:
        return self.cases * (2 + self.children) + self.outside

    @property
    def scores(self) -> int:
        return self.cases * self.evaluators


def fill(store: Store, shape: Shape, progress: Callable[[int], None] = lambda done: None) -> None:
    """Insert everything; `progress` hears how many experiments are in."""
    store.insert("projects_data", _project())
    for number in range(shape.experiments):
        generator = random.Random(number)
        store.insert("experiments_data", _experiment(number, shape))
        store.insert("spans_data", _spans(number, shape, generator))
        if shape.evaluators:
            store.insert("evaluations_data", _scores(number, shape, generator))
        progress(number + 1)
    for first in range(0, shape.outside, _OUTSIDE_BLOCK):
        store.insert("spans_data", _outside(first, min(_OUTSIDE_BLOCK, shape.outside - first)))


def experiment_id(number: int) -> str:
    return f"{number * 2654435761 % 2**32:08x}-0000-4000-8000-{number:012x}"


def trace_id(number: int, case: int) -> str:
    return f"{number * 2654435761 % 2**32:08x}{case * 2246822519 % 2**32:08x}{number:08x}{case:08x}"


def metadata(number: int) -> dict[str, Any]:
    """What a CI job says of the run."""
    branch = BRANCHES[number % len(BRANCHES)]
    return {
        "commit": f"{number * 40503 % 2**28:07x}",
        "branch": branch,
        "tags": [f"branch:{branch}", "env:ci"],
        "runner": {"os": "linux", "attempt": number % 3},
    }


def _project() -> Block:
    moment = _START_NS // 1000
    values = {
        "project_id": PROJECT,
        "name": "bench",
        "created_at": moment,
        "updated_at": moment,
        "revision": 1,
    }
    return {name: [value] for name, value in values.items()}


def _experiment(number: int, shape: Shape) -> Block:
    said = metadata(number)
    moment = (_START_NS + number * 60_000_000_000) // 1000
    pipeline = f"pipeline-{number % 10}"
    values: dict[str, Any] = {
        "experiment_id": experiment_id(number),
        "project_id": PROJECT,
        "dataset_id": DATASET,
        "project": "bench",
        "dataset": "questions",
        "experiment": pipeline,
        "experiment_name": f"{pipeline}-{number:08x}",
        "metadata": json.dumps(said),
        "metadata_map": {
            key: value if isinstance(value, str) else json.dumps(value) for key, value in said.items()
        },
        "config": json.dumps({"model": MODELS[number % len(MODELS)]}),
        "run_count": shape.runs,
        "expected_records": shape.records,
        "status": "completed",
        "created_at": moment,
        "updated_at": moment,
        "revision": 1,
    }
    return {name: [value] for name, value in values.items()}


def _cases(number: int, shape: Shape) -> Iterator[tuple[int, str, str, int]]:
    """(case, trace, record, run iteration)"""
    for case in range(shape.records * shape.runs):
        yield case, trace_id(number, case), f"record-{case // shape.runs:05d}", case % shape.runs + 1


def _spans(number: int, shape: Shape, generator: random.Random) -> Block:
    rows: list[tuple[Any, ...]] = []
    model = MODELS[number % len(MODELS)]
    for case, trace, record, iteration in _cases(number, shape):
        start = _START_NS + number * 60_000_000_000 + case * 50_000_000
        took = generator.randrange(200, 2000) * 1_000_000
        status = "error" if generator.random() < 0.01 else "ok"
        shared = (experiment_id(number), trace, iteration, record, start, received(start))
        root = f"{case:08x}00000000"
        text = _text(generator, shape.text_bytes)
        rows.append((*shared, root, "", "CASE", "case", status, took, "", None, None, None, None, text, text))
        tokens = (generator.randrange(50, 500), generator.randrange(5, 200))
        cost = None if generator.random() < 0.005 else Decimal(sum(tokens) * 3).scaleb(-7)
        usage = (*tokens, sum(tokens), cost)
        rows.append(
            (*shared, root[:15] + "1", root, "LLM", "chat", "ok", took - 1, model, *usage, text, text)
        )
        for child in range(shape.children):
            span = f"{root[:8]}{child + 2:08x}"
            rows.append((*shared, span, root, "TOOL", "step", "ok", 1000, "", None, None, None, None, "", ""))
    names = (
        "experiment_id", "trace_id", "run_iteration", "record_id", "start_time", "received_at", "span_id",
        "parent_span_id", "span_type", "name", "status", "duration_ns", "request_model", "input_tokens",
        "output_tokens", "total_tokens", "cost_usd", "input", "output",
    )  # fmt: skip
    return _block(names, rows)


def _scores(number: int, shape: Shape, generator: random.Random) -> Block:
    """Evaluators take turns: a boolean, a number, a label; one in two hundred fails."""
    rows: list[tuple[Any, ...]] = []
    for case, trace, record, iteration in _cases(number, shape):
        at = _START_NS + number * 60_000_000_000 + case * 50_000_000
        shared = (experiment_id(number), trace, f"{case:08x}00000000", record, iteration, at, received(at))
        for evaluator in range(shape.evaluators):
            kind = ("boolean", "score", "categorical")[evaluator % 3]
            rows.append((*shared, "record", f"{kind}_{evaluator}", kind, *_said(kind, generator)))
    names = (
        "experiment_id", "trace_id", "span_id", "record_id", "run_iteration", "timestamp", "received_at",
        "source", "name", "type", "score_value", "label_value", "error",
    )  # fmt: skip
    return _block(names, rows)


def _said(kind: str, generator: random.Random) -> tuple[float | None, str | None, str]:
    """(score, label, error)"""
    if generator.random() < 0.005:
        return None, None, "it failed"
    if kind == "categorical":
        return None, generator.choice(LABELS), ""
    return (float(generator.random() < 0.7) if kind == "boolean" else generator.random()), None, ""


def _outside(first: int, count: int) -> Block:
    """LLM calls of an app that runs no experiment."""
    rows = [
        ("", trace_id(2**31 - 1, n), f"{n:016x}", "LLM", _START_NS + n * 1000, 10, 5, 15)
        for n in range(first, first + count)
    ]
    names = (
        "experiment_id", "trace_id", "span_id", "span_type", "start_time", "input_tokens", "output_tokens",
        "total_tokens",
    )  # fmt: skip
    return _block(names, rows)


def received(start_ns: int) -> int:
    return start_ns // 1000


def _block(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Block:
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _text(generator: random.Random, size: int) -> str:
    words = generator.choices(_WORDS, k=size // 5 + 1)
    return json.dumps(" ".join(words)[: max(0, size - 2)])


def add_options(parser: argparse.ArgumentParser) -> None:
    """One option for each number of the shape."""
    for field in fields(Shape):
        name = f"--{field.name.replace('_', '-')}"
        parser.add_argument(name, type=int, default=field.default, help=f"default {field.default}")


def shape_of(given: argparse.Namespace) -> Shape:
    return Shape(**{field.name: getattr(given, field.name) for field in fields(Shape)})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", required=True, help="chdb://PATH, or the address of a server")
    add_options(parser)
    given = parser.parse_args()
    shape = shape_of(given)
    start = time.perf_counter()

    def progress(done: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {shape.experiments} experiments", end="", file=sys.stderr, flush=True)

    with Store(given.store) as store:
        fill(store, shape, progress)
    seconds = time.perf_counter() - start
    print(f"{shape.spans:,} spans and {shape.scores:,} scores in {seconds:.0f} s")


if __name__ == "__main__":
    main()
