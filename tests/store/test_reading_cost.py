"""What a query reads: one experiment, not all of them, and no texts that nobody asked for.

The plan says both: the granules that the primary key selects, and the columns that a table is read
with (the header of each ReadFromMergeTree).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from evalspan.store import Store

SPANS = """
INSERT INTO spans_data (experiment_id, trace_id, span_id, parent_span_id, run_iteration, record_id,
    experiment, name, span_type, start_time, status, total_tokens, input, output, received_at)
SELECT 'exp' || toString(intDiv(number, 5000)), 'trace' || toString(intDiv(number, 5)),
    toString(number),
    if(number % 5 = 0, '', toString(number - number % 5)),
    1 + intDiv(number, 5) % 2,
    'rec' || toString(intDiv(intDiv(number, 5) % 1000, 2)), '', 'n',
    ['CASE', 'LLM', 'TOOL', 'EVALUATOR', 'EVALUATOR'][number % 5 + 1], now64(9), 'ok', 10, 'in', 'out',
    now64(6)
FROM numbers(200000)
"""
SCORES = """
INSERT INTO evaluations_data (experiment_id, trace_id, span_id, name, source, run_iteration, record_id,
    score_value)
SELECT 'exp' || toString(intDiv(number, 1000)), 'trace' || toString(number), toString(number * 5), 'exact',
    'record', 1 + number % 2, 'rec' || toString(intDiv(number % 1000, 2)), number % 2
FROM numbers(40000)
"""
EXPERIMENTS = """
INSERT INTO experiments_data (experiment_id, experiment, revision)
SELECT 'exp' || toString(number), 'e' || toString(number), 0 FROM numbers(40)
"""
# Spans and scores that carry no ids of ours are looked up in the cases of all experiments: how often
# the plan holds that look-up. ClickHouse skips it where there are no such rows.
ONE_EXPERIMENT = {
    "SELECT count(), avg(scores['exact']), sum(total_tokens) FROM experiment_results WHERE {}": 2,
    "SELECT record_id, scores FROM experiment_records WHERE {}": 2,
    "SELECT * FROM experiment_summary WHERE {}": 1,
    "SELECT count() FROM spans WHERE {}": 1,
    "SELECT avg(score_value) FROM evaluations WHERE {}": 1,
}
NO_TEXTS = [
    "SELECT * FROM experiment_summary",
    "SELECT * EXCEPT (input, output, expected_output) FROM experiment_results",
    "SELECT * EXCEPT (input, expected_output) FROM experiment_records",
    "SELECT run_iteration, count(), avg(scores['exact']), sum(cost_usd) FROM experiment_results GROUP BY ALL",
    "SELECT name, span_type, duration_ns, total_tokens FROM spans ORDER BY start_time LIMIT 50",
    "SELECT * EXCEPT (explanation) FROM evaluations",
    "SELECT * EXCEPT (metadata, config) FROM experiments",
    "SELECT * FROM datasets",
    "SELECT * EXCEPT (input, expected_output) FROM dataset_records",
]
TEXTS = {"input", "output", "expected_output", "explanation"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """40 experiments of 5,000 spans and 1,000 scores each."""
    with Store(f"chdb://{tmp_path_factory.mktemp('filled')}") as store:
        for statement in (SPANS, SCORES, EXPERIMENTS):
            store.command(statement)
        yield store


@pytest.mark.parametrize("statement", ONE_EXPERIMENT)
@pytest.mark.parametrize(
    "condition",
    [
        "experiment_id = 'exp7'",
        "experiment_id IN (SELECT experiment_id FROM experiments WHERE experiment = 'e7')",
    ],
)
def test_a_question_about_one_experiment_reads_that_experiment(
    filled: Store, statement: str, condition: str
) -> None:
    read = granules(filled, statement.format(condition))
    unpruned = [(selected, total) for selected, total in read if selected > max(2, total / 8)]
    assert len(unpruned) <= ONE_EXPERIMENT[statement], read
    assert len(read) > len(unpruned), "the plan names no large table but those of the look-ups"


def test_the_measure_itself_sees_a_full_scan(filled: Store) -> None:
    read = granules(filled, "SELECT count(), avg(scores['exact']) FROM experiment_results")
    assert len([1 for selected, total in read if selected == total]) > 2


@pytest.mark.parametrize("statement", NO_TEXTS)
def test_lists_and_aggregates_read_no_texts(filled: Store, statement: str) -> None:
    assert not columns_read(filled, statement) & TEXTS


def test_a_text_that_is_asked_for_is_read(filled: Store) -> None:
    assert columns_read(filled, "SELECT output FROM experiment_results") & TEXTS == {"output"}


def granules(store: Store, statement: str) -> list[tuple[int, int]]:
    """(selected, total) of each read from a table with more than a handful of granules."""
    indexes = [read["Indexes"] for read in reads(store, statement) if read.get("Indexes")]
    found = [(steps[-1]["Selected Granules"], steps[0]["Initial Granules"]) for steps in indexes]
    return [(selected, total) for selected, total in found if total > 4]


def columns_read(store: Store, statement: str) -> set[str]:
    """The columns that tables are read with."""
    return {column["Name"] for read in reads(store, statement) for column in read["Header"]}


def reads(store: Store, statement: str) -> Iterator[dict[str, Any]]:
    """The steps of a query's plan that read a table."""
    explained = store.query(f"EXPLAIN json = 1, header = 1, indexes = 1 {statement}")
    pending = [json.loads("\n".join(str(row["explain"]) for row in explained))[0]["Plan"]]
    while pending:
        step = pending.pop()
        pending += step.get("Plans", [])
        if step["Node Type"] == "ReadFromMergeTree":
            yield step
