"""The main job of an unmodified ddtrace, newest and old: every record, run and score is there."""

from __future__ import annotations

import pytest

from support.absent import absent
from support.ddtrace_client import NEWEST, OLD, Run, Sql
from support.virtualenv import ROOT

BOTH = pytest.mark.parametrize("requirement", [NEWEST, OLD])
OWN = """
from ddtrace.llmobs import EvaluatorResult, LLMObs

LLMObs.enable(project_name="runs-here")
dataset = LLMObs.create_dataset(
    dataset_name="sums",
    project_name="stored-there",
    description="Small sums",
    records=[
        {"input_data": {"a": 1, "b": 2}, "expected_output": 3, "metadata": {"level": "easy"}},
        {"input_data": {"a": 20, "b": 22}, "expected_output": 42, "metadata": {"level": "hard"}},
    ],
)

def add(input_data, config=None):
    return input_data["a"] + input_data["b"] if input_data["a"] < 10 else -1

def exact(input_data, output_data, expected_output):
    return output_data == expected_output

def distance(input_data, output_data, expected_output):
    return abs(output_data - expected_output)

def judge(input_data, output_data, expected_output):
    good = output_data == expected_output
    return EvaluatorResult(
        value="good" if good else "bad", reasoning="I compared them", assessment="pass" if good else "fail",
        tags={"by": "rule"},
    )

def hits(inputs, outputs, expected_outputs, evaluators_results):
    return evaluators_results["exact"].count(True)

experiment = LLMObs.experiment(
    name="adding", task=add, dataset=dataset, evaluators=[exact, distance, judge], summary_evaluators=[hits],
    description="Can it add?", config={"model": "abacus"},
)
experiment.run(jobs=4, raise_errors=True)
"""


def seed() -> str:
    """The script of the advanced-runs document, byte for byte."""
    found = sorted((ROOT.parent / "shared" / "seeds").glob("004_*"))
    if not found:
        absent("the document with the script is not on this machine")
    text = found[0].read_text(encoding="utf-8")
    end = 'print(f"View experiment: {experiment.url}")'
    return text[text.index("from ddtrace.llmobs import LLMObs") : text.index(end) + len(end)]


@BOTH
def test_the_documents_script_runs_unmodified_and_everything_is_in_the_views(run: Run, ask: Sql) -> None:
    run(seed())
    rows = ask("SELECT * FROM experiment_results ORDER BY metadata['difficulty']")
    assert [row["project"] for row in rows] == ["<YOUR_PROJECT>"] * 2
    assert [row["experiment"] for row in rows] == ["capital-cities-test"] * 2
    assert [row["run_iteration"] for row in rows] == [1, 1]
    assert [row["output"] for row in rows] == ['"Beijing"', '"Unknown"']
    assert rows[0]["scores"] == {"exact_match": 1, "overlap": 1}
    assert rows[1]["scores"] == {"exact_match": 0, "overlap": pytest.approx(1 / 11)}
    assert {row["labels"]["fake_llm_as_a_judge"] for row in rows} == {"excellent"}
    stored = ask("SELECT record_id FROM dataset_records WHERE dataset = 'capitals-of-the-world'")
    assert {row["record_id"] for row in rows} == {row["record_id"] for row in stored}
    [judged] = ask(
        "SELECT DISTINCT type, explanation, assessment FROM evaluations WHERE name = 'fake_llm_as_a_judge'"
    )
    assert judged == {"type": "categorical", "explanation": "the model explains itself", "assessment": "pass"}
    [summary] = ask("SELECT name, type, score_value, run_iteration FROM evaluations WHERE source = 'summary'")
    assert summary == {"name": "num_exact_matches", "type": "score", "score_value": 1, "run_iteration": 1}


@BOTH
def test_every_record_and_score_of_an_experiment_is_in_the_views(run: Run, ask: Sql) -> None:
    run(OWN)
    rows = ask("SELECT * FROM experiment_results WHERE experiment = 'adding' ORDER BY metadata['level']")
    assert [(row["input"], row["output"], row["expected_output"], row["status"]) for row in rows] == [
        ('{"a": 1, "b": 2}', "3", "3", "ok"),
        ('{"a": 20, "b": 22}', "-1", "42", "ok"),
    ]
    assert [row["scores"] for row in rows] == [{"exact": 1, "distance": 0}, {"exact": 0, "distance": 43}]
    assert [row["labels"] for row in rows] == [{"judge": "good"}, {"judge": "bad"}]
    assert {row["project"] for row in rows} == {"runs-here"}
    assert {row["dataset"] for row in rows} == {"sums"}
    types = ask("SELECT DISTINCT name, type, tags FROM evaluations WHERE source = 'record' ORDER BY name")
    assert [(row["name"], row["type"], row["tags"]) for row in types] == [
        ("distance", "score", {}),
        ("exact", "boolean", {}),
        ("judge", "categorical", {"by": "rule"}),
    ]
    [entity] = ask("SELECT description, config, dataset_version FROM experiments")
    assert entity == {
        "description": "Can it add?", "config": '{"model": "abacus"}',
        "dataset_version": 1,
    }  # fmt: skip


@BOTH
def test_a_second_run_of_the_script_finds_its_records_again(run: Run, ask: Sql) -> None:
    run(OWN)
    run(OWN)
    [counts] = ask(
        "SELECT uniqExact(experiment_id) AS experiments, uniqExact(record_id) AS records, count() AS rows, "
        "uniqExact(experiment_name) AS names FROM experiment_results WHERE experiment = 'adding'"
    )
    assert counts == {"experiments": 2, "records": 2, "rows": 4, "names": 2}
    assert ask("SELECT current_version FROM datasets") == [{"current_version": 1}]
