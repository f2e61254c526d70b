"""What a query reads: one experiment, not all of them, and no texts that nobody asked for.

The plan says both: the granules that the primary key selects, and the columns that a table is read
with (the header of each ReadFromMergeTree).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalspan.store import Store

SPANS = """
INSERT INTO spans_data (experiment_id, trace_id, span_id, parent_span_id, run_iteration, record_id, experiment, name,
    span_type, start_time, status, total_tokens, input, output, received_at)
SELECT 'exp' || toString(intDiv(number, 5000)), 'trace' || toString(intDiv(number, 5)), toString(number),
    if(number % 5 = 0, '', toString(number - number % 5)), 1 + intDiv(number, 5) % 2,
    'rec' || toString(intDiv(intDiv(number, 5) % 1000, 2)), '', 'n',
    ['CASE', 'LLM', 'TOOL', 'EVALUATOR', 'EVALUATOR'][number % 5 + 1], now64(9), 'ok', 10, 'in', 'out', now64(6)
FROM numbers(200000)
"""
SCORES = """
INSERT INTO evaluations_data (experiment_id, trace_id, span_id, name, source, run_iteration, record_id, score_value)
SELECT 'exp' || toString(intDiv(number, 1000)), 'trace' || toString(number), toString(number * 5), 'exact', 'record',
    1 + number % 2, 'rec' || toString(intDiv(number % 1000, 2)), number % 2
FROM numbers(40000)
"""
EXPERIMENTS = """
INSERT INTO experiments_data (experiment_id, experiment, revision)
SELECT 'exp' || toString(number), 'e' || toString(number), 0 FROM numbers(40)
"""
ONE_EXPERIMENT = [
    "SELECT count(), avg(scores['exact']), sum(total_tokens) FROM experiment_results WHERE {}",
    "SELECT record_id, scores FROM experiment_records WHERE {}",
    "SELECT * FROM experiment_summary WHERE {}",
    "SELECT count() FROM spans WHERE {}",
    "SELECT avg(score_value) FROM evaluations WHERE {}",
]
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
    ["experiment_id = 'exp7'", "experiment_id IN (SELECT experiment_id FROM experiments WHERE experiment = 'e7')"],
)
def test_a_question_about_one_experiment_reads_that_experiment(filled: Store, statement: str, condition: str) -> None:
    read = granules(filled, statement.format(condition))
    assert read, "the plan names no large table"
    for selected, total in read:
        assert selected <= max(2, total / 8), f"{selected} of {total} granules"


def test_the_measure_itself_sees_a_full_scan(filled: Store) -> None:
    assert any(selected == total for selected, total in granules(filled, ONE_EXPERIMENT[0].format("1 = 1")))


@pytest.mark.parametrize("statement", NO_TEXTS)
def test_lists_and_aggregates_read_no_texts(filled: Store, statement: str) -> None:
    assert not columns_read(filled, statement) & TEXTS


def test_a_text_that_is_asked_for_is_read(filled: Store) -> None:
    assert "output" in columns_read(filled, "SELECT output FROM experiment_results")


def plan(store: Store, statement: str, options: str) -> str:
    return "\n".join(str(row["explain"]) for row in store.query(f"EXPLAIN {options} {statement}"))


def granules(store: Store, statement: str) -> list[tuple[int, int]]:
    """(selected, total) of each read from a table with more than a handful of granules."""
    reads = plan(store, statement, "indexes = 1").split("ReadFromMergeTree")[1:]
    found = [re.findall(r"Granules: (\d+)/(\d+)", read) for read in reads]
    last = [(int(steps[-1][0]), int(steps[0][1])) for steps in found if steps]
    return [(selected, total) for selected, total in last if total > 4]


def columns_read(store: Store, statement: str) -> set[str]:
    """The columns that tables are read with."""
    found: set[str] = set()
    for read in plan(store, statement, "header = 1").split("ReadFromMergeTree")[1:]:
        header = re.search(r"Header: (.*\n(?:[ │]+ \S+ .*\n)*)", read + "\n")
        assert header is not None, read
        found |= set(re.findall(r"^[^\w]*(\w+) ", header[1], flags=re.MULTILINE))
    return found
