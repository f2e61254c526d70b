"""What else ddtrace users do: repeated runs, subsets, failures, datasets that change, reruns."""

from __future__ import annotations

import httpx
import pytest

from evalspan.api.server import Service
from support.ddtrace_client import Run, Sql

HEAD = """
import asyncio, json
from ddtrace.llmobs import LLMObs

LLMObs.enable(project_name="p")

def echo(input_data, config=None):
    return input_data

def exact(input_data, output_data, expected_output):
    return output_data == expected_output

def dataset(n=4, name="d"):
    return LLMObs.create_dataset(dataset_name=name, records=[
        {"input_data": {"q": i}, "expected_output": {"q": i}, "metadata": {"n": i},
         "tags": ["parity:even" if i % 2 == 0 else "parity:odd", "env:prod", "version:1.0"]}
        for i in range(n)
    ])
"""


def test_five_runs_of_a_tagged_subset_with_eight_jobs_and_an_async_task(run: Run, ask: Sql) -> None:
    run(
        HEAD
        + """
dataset(12)
subset = LLMObs.pull_dataset(dataset_name="d", tags=["parity:odd", "env:prod", "version:1.0"])

async def slow(input_data, config=None):
    await asyncio.sleep(0.01)
    with LLMObs.llm(model_name="gpt-4o", model_provider="openai", name="ask") as span:
        LLMObs.annotate(span, input_data=[{"role": "user", "content": "hi"}],
            output_data=[{"role": "assistant", "content": "yo"}], metadata={"temperature": 0.5},
            metrics={"input_tokens": 10, "output_tokens": 2, "total_tokens": 12})
    return input_data

experiment = LLMObs.async_experiment(name="e", task=slow, dataset=subset, evaluators=[exact], runs=5)
asyncio.run(experiment.run(jobs=8))
"""
    )
    rows = ask("SELECT * FROM experiment_results")
    assert sorted((row["run_iteration"], row["metadata"]["n"]) for row in rows) == [
        (iteration, str(n)) for iteration in range(1, 6) for n in sorted([1, 3, 5, 7, 9, 11], key=str)
    ]
    assert {row["scores"]["exact"] for row in rows} == {1}
    assert {tuple(row["tags"]) for row in rows} == {("env:prod", "parity:odd", "version:1.0")}
    assert {(row["llm_calls"], row["total_tokens"]) for row in rows} == {(1, 12)}
    assert {row["cost_usd"] > 0 for row in rows} == {True}
    [call] = ask("SELECT DISTINCT provider, request_model, input, output FROM spans WHERE span_type = 'LLM'")
    assert call["request_model"] == "gpt-4o"
    assert call["input"] == '[{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]'
    assert ask("SELECT status FROM experiments") == [{"status": "completed"}]
    [records] = ask("SELECT count() AS n, any(runs) AS runs FROM experiment_records")
    assert records == {"n": 6, "runs": 5}
    [entity] = ask("SELECT run_count, config FROM experiments")
    assert entity["run_count"] == 5
    assert "parity:odd" in entity["config"]


def test_a_failing_task_and_a_failing_evaluator_are_errors_in_the_views(run: Run, ask: Sql) -> None:
    run(
        HEAD
        + """
def half(input_data, config=None):
    if input_data["q"] % 2:
        raise RuntimeError("task boom")
    return input_data

def broken(input_data, output_data, expected_output):
    raise ValueError("eval boom")

LLMObs.experiment(name="e", task=half, dataset=dataset(), evaluators=[exact, broken]).run(jobs=2)
"""
    )
    rows = ask("SELECT * FROM experiment_results ORDER BY metadata['n']")
    assert [row["status"] for row in rows] == ["ok", "error", "ok", "error"]
    assert {(row["error"], row["error_type"]) for row in rows[1::2]} == {("task boom", "RuntimeError")}
    assert [row["output"] for row in rows[1::2]] == ["null", "null"]
    assert {row["evaluator_errors"]["broken"] for row in rows} == {"eval boom"}
    [entity] = ask("SELECT status, error FROM experiments")
    assert entity["status"] == "failed"
    assert "boom" in entity["error"]


def test_a_dataset_is_changed_pushed_and_pulled_by_version(run: Run, ask: Sql) -> None:
    pulled = run(
        HEAD
        + """
d = dataset(3)
d.update(0, {"input_data": {"q": "changed"}})
d.add_tags(1, ["added:1"])
d.remove_tags(1, ["env:prod"])
d.delete(2)
d.append({"input_data": {"q": "new"}, "expected_output": None, "metadata": {}})
d.push()
latest = LLMObs.pull_dataset(dataset_name="d")
first = LLMObs.pull_dataset(dataset_name="d", version=1)
latest.push()
print(json.dumps([len(first), [r["input_data"]["q"] for r in latest._records], latest._version,
                  sorted(t for r in latest._records for t in r["tags"])]))
"""
    )
    size, questions, version, tags = pulled
    assert size == 3
    assert set(map(str, questions)) == {"changed", "1", "new"}
    assert version == 2
    assert "added:1" in tags
    assert tags.count("env:prod") == 1
    assert ask("SELECT current_version FROM datasets") == [{"current_version": 2}]


def test_a_dataset_from_csv_keeps_its_records_through_a_second_upload(run: Run, ask: Sql) -> None:
    run(
        HEAD
        + """
with open("d.csv", "w") as file:
    file.write('question,answer,level\\nWhat is 1+1?,2,easy\\n"a, b","multi\\nline",hard\\n')
for _ in range(2):
    LLMObs.create_dataset_from_csv(csv_path="d.csv", dataset_name="csv", input_data_columns=["question"],
        expected_output_columns=["answer"], metadata_columns=["level"])
pulled = LLMObs.pull_dataset(dataset_name="csv")
LLMObs.experiment(name="e", task=echo, dataset=pulled, evaluators=[exact]).run()
"""
    )
    rows = ask("SELECT input, expected_output, metadata FROM dataset_records ORDER BY input")
    assert [row["input"] for row in rows] == ['{"question": "What is 1+1?"}', '{"question": "a, b"}']
    assert [row["expected_output"] for row in rows] == ['{"answer": "2"}', '{"answer": "multi\\nline"}']
    assert ask("SELECT count() AS n FROM experiment_results") == [{"n": 2}]


def test_an_experiment_is_pulled_rescored_and_listed(run: Run, ask: Sql) -> None:
    listed = run(
        HEAD
        + """
tags = {"branch": "main"}
first = LLMObs.experiment(name="e", task=echo, dataset=dataset(3), evaluators=[exact], tags=tags)
first.run()
pulled = LLMObs.pull_experiment(first._id)

def size(input_data, output_data, expected_output):
    return len(output_data)

again = pulled.rerun_evaluators([size])
found = LLMObs.list_experiments(experiment_name="e", metadata_filter={"tags": ["branch:main"]})
row = pulled.result["runs"][0].rows[0] if isinstance(pulled.result, dict) else pulled.result.runs[0].rows[0]
print(json.dumps({
    "ids": [first._id, again._id],
    "listed": [(e["id"] if isinstance(e, dict) else e.id) for e in found],
    "evaluations": {k: v["value"] for k, v in row["evaluations"].items()},
    "output": row["output"], "record": row["record_id"],
}))
"""
    )
    assert listed["listed"] == listed["ids"][:1]
    assert listed["evaluations"] == {"exact": True}
    [record] = ask(f"SELECT input FROM dataset_records WHERE record_id = '{listed['record']}'")
    assert record["input"] == str(listed["output"]).replace("'", '"')
    rescored = ask(f"SELECT scores FROM experiment_results WHERE experiment_id = '{listed['ids'][1]}'")
    assert [row["scores"] for row in rescored] == [{"size": 1}] * 3
    [child] = ask(f"SELECT parent_experiment_id FROM experiments WHERE experiment_id = '{listed['ids'][1]}'")
    assert child["parent_experiment_id"] == listed["ids"][0]


@pytest.mark.parametrize(
    "path", ["prompts/x", "evaluators/judge/infer", "config/evaluators/custom", "spans/events"]
)
def test_what_there_is_not_is_refused_with_the_reason(service: Service, path: str) -> None:
    refused = httpx.post(f"{service.endpoint}/api/unstable/llm-obs/v1/{path}", json={})
    assert refused.status_code == 404
    assert "no such feature" in refused.json()["errors"][0]["detail"]
