"""What the workflows do with a record: prompts, completions, chains, outputs that are handed in."""

from __future__ import annotations

from typing import Any

import pytest

from evalspan.errors import ConflictError, NotFoundError, UsageError
from evalspan.experiments import rows
from evalspan.jobs import Item, Metrics, Submission
from evalspan.model import Record
from jobs.workshop import Workshop

TREE = """
SELECT span.name AS name, parent.name AS parent FROM spans AS span
LEFT JOIN spans AS parent ON parent.span_id = span.parent_span_id AND parent.trace_id = span.trace_id
WHERE span.experiment_id = {id:String} ORDER BY span.start_time, span.span_id
"""
RESULTS = """
SELECT input, output, status, error, scores, total_tokens, run_iteration FROM experiment_results
WHERE experiment_id = {id:String} ORDER BY record_id, run_iteration
"""


def only(items: list[Item]) -> Item:
    assert len(items) == 1
    return items[0]


def test_a_prompt_workflow_fills_the_prompt_with_each_record_and_keeps_what_the_model_says(
    workshop: Workshop,
) -> None:
    steps = [{"type": "prompt", "prompt": workshop.prompt("say {{ q }} please")}]
    found = workshop.run(dataset_id=workshop.questions(3), steps=steps)
    assert (found.status, found.done, found.percent) == ("completed", 3, 100.0)
    outputs = {item.output for item in workshop.items(found.experiment_id)}
    assert outputs == {f"say question {number} please" for number in range(3)}
    stored = workshop.rows(RESULTS, found.experiment_id)
    assert [row["status"] for row in stored] == ["ok"] * 3
    assert [row["total_tokens"] for row in stored] == [8] * 3


def test_an_item_is_a_tree_of_spans_with_its_evaluators_below_the_root(workshop: Workshop) -> None:
    slug = workshop.evaluator()
    steps = [{"type": "prompt", "prompt": workshop.prompt()}]
    found = workshop.run(dataset_id=workshop.questions(1), steps=steps, evaluators=[slug])
    assert [(row["name"], row["parent"]) for row in workshop.rows(TREE, found.experiment_id)] == [
        ("experiment_trace", ""),
        ("workflow_execution", "experiment_trace"),
        ("Experiment Workflow.prompt", "workflow_execution"),
        ("workflow.prompt.load_prompt", "Experiment Workflow.prompt"),
        ("workflow.prompt.render", "Experiment Workflow.prompt"),
        ("workflow.prompt.completion", "Experiment Workflow.prompt"),
        ("chat gpt-4o-mini", "workflow.prompt.completion"),
        (f"evaluator.{slug}", "experiment_trace"),
    ]
    assert workshop.rows(RESULTS, found.experiment_id)[0]["scores"] == {slug: 1.0}


def test_what_a_judge_asks_is_not_the_cost_of_the_case(workshop: Workshop) -> None:
    judge = workshop.evaluator(
        {
            "type": "llm",
            "score_value_type": "numerical",
            "score_config": {"min_score": 0, "max_score": 5},
            "llm_config": {"model": "claude-judge", "evaluator_definition": "Judge this: {{output}}"},
        }
    )
    workshop.llm.answer = lambda model, messages: '{"score": 4, "explanation": "good"}'
    steps = [{"type": "completion", "model": "gpt-4o-mini"}]
    found = workshop.run(
        dataset_id=workshop.dataset([Record(input="hello")]), steps=steps, evaluators=[judge]
    )
    row = workshop.rows(RESULTS, found.experiment_id)[0]
    assert (row["scores"], row["total_tokens"]) == ({judge: 4.0}, 1 + 4)
    assert found.spent_tokens == workshop.llm.tokens > 5


def test_a_completion_sends_the_messages_of_the_record_to_anthropic_in_its_words(workshop: Workshop) -> None:
    messages = [{"role": "system", "content": "be short"}, {"role": "user", "content": "hello there"}]
    steps: list[Any] = [{"type": "completion", "model": "claude-x", "stop": "END", "max_tokens": 9}]
    found = workshop.run(dataset_id=workshop.dataset([Record(input=messages)]), steps=steps)
    assert only(workshop.items(found.experiment_id)).output == "hello there"
    call = workshop.llm.calls[0]
    assert call.path == "/v1/messages"
    assert call.headers["x-api-key"] == "key-of-anthropic"
    assert call.body == {
        "model": "claude-x",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hello there"}],
        "system": "be short",
        "stop_sequences": ["END"],
    }


def test_what_one_step_says_is_what_the_next_one_hears(workshop: Workshop) -> None:
    workshop.llm.answer = lambda model, messages: f"{messages[-1]['content']}, then {model}"
    steps = [{"type": "completion", "model": "first"}, {"type": "completion", "model": "second"}]
    found = workshop.run(dataset_id=workshop.dataset([Record(input="begin")]), steps=steps)
    assert only(workshop.items(found.experiment_id)).output == "begin, then first, then second"
    assert [call.body["messages"][0]["role"] for call in workshop.llm.calls] == ["user", "user"]


@pytest.mark.parametrize(
    ("given", "said"),
    [({"other": "x"}, "q"), ("a text", "is a text; a prompt takes an object"), ({"q": "x", "p": 1}, "p")],
    ids=["missing", "no object", "unknown"],
)
def test_an_input_that_does_not_fit_the_prompt_fails_its_record_alone(
    workshop: Workshop, given: Any, said: str
) -> None:
    dataset = workshop.dataset([Record(input={"q": "fine"}), Record(input=given)])
    found = workshop.run(dataset_id=dataset, steps=[{"type": "prompt", "prompt": workshop.prompt()}])
    assert (found.status, found.done, found.failed) == ("completed", 1, 1)
    failed = only([item for item in workshop.items(found.experiment_id) if item.status == "failed"])
    assert said in failed.error
    stored = [row for row in workshop.rows(RESULTS, found.experiment_id) if row["status"] == "error"]
    assert [row["error"] for row in stored] == [failed.error]
    assert len(workshop.llm.calls) == 1


def test_runs_make_each_record_run_as_often_each_time_in_a_trace_of_its_own(workshop: Workshop) -> None:
    steps = [{"type": "completion", "model": "gpt-4o-mini"}]
    found = workshop.run(dataset_id=workshop.questions(2), steps=steps, runs=3)
    assert (found.total, found.done) == (6, 6)
    items = workshop.items(found.experiment_id)
    assert [item.run_iteration for item in items] == [1, 1, 2, 2, 3, 3]
    assert len({item.id for item in items}) == 6
    assert len(workshop.rows(RESULTS, found.experiment_id)) == 6


def test_a_recorded_output_is_judged_as_it_stands(workshop: Workshop) -> None:
    metadata = rows.combined({}, {"output": "recorded"})
    dataset = workshop.dataset([Record(input="x", expected_output="recorded", metadata=metadata)])
    slug = workshop.evaluator()
    found = workshop.run(dataset_id=dataset, steps=[{"type": "duplicate"}], evaluators=[slug])
    assert workshop.rows(RESULTS, found.experiment_id)[0]["scores"] == {slug: 1.0}
    assert workshop.llm.calls == []


def test_outputs_that_are_handed_in_are_judged_here(workshop: Workshop) -> None:
    slug = workshop.evaluator()
    new = workshop.new(dataset_id=workshop.questions(2), steps=[{"type": "wait"}], evaluators=[slug])
    experiment_id = workshop.jobs.submit(workshop.catalog, new).experiment_id
    assert workshop.over(experiment_id, "waiting").waiting == 2
    first, second = workshop.items(experiment_id)
    assert {first.status, second.status} == {"waiting"}
    for item, output in ((first, first.input["q"]), (second, "something else")):
        given = Submission(output=output, metrics=Metrics(prompt_tokens=7, completion_tokens=5, cost=0.25))
        workshop.jobs.submit_output(workshop.catalog, experiment_id, item.id, given)
    assert workshop.over(experiment_id, "completed").done == 2
    stored = workshop.rows(RESULTS, experiment_id)
    assert sorted(row["scores"][slug] for row in stored) == [0.0, 1.0]
    assert [row["total_tokens"] for row in stored] == [12, 12]


def test_an_output_that_is_handed_in_again_replaces_the_first_and_its_score(workshop: Workshop) -> None:
    slug = workshop.evaluator()
    new = workshop.new(dataset_id=workshop.questions(1), steps=[{"type": "wait"}], evaluators=[slug])
    experiment_id = workshop.jobs.submit(workshop.catalog, new).experiment_id
    item = only(workshop.items(experiment_id))
    for output, score in (("wrong", 0.0), ("question 0", 1.0)):
        workshop.jobs.submit_output(workshop.catalog, experiment_id, item.span_id, Submission(output=output))
        workshop.over(experiment_id, "completed")
        row = only_row(workshop.rows(RESULTS, experiment_id))
        assert (row["output"], row["scores"]) == (f'"{output}"', {slug: score})


def only_row(found: list[dict[str, Any]]) -> dict[str, Any]:
    assert len(found) == 1
    return found[0]


def test_outputs_are_not_handed_in_where_they_are_made_here(workshop: Workshop) -> None:
    steps = [{"type": "completion", "model": "gpt-4o-mini"}]
    found = workshop.run(dataset_id=workshop.questions(1), steps=steps)
    item = only(workshop.items(found.experiment_id))
    with pytest.raises(ConflictError, match="are made here"):
        workshop.jobs.submit_output(workshop.catalog, found.experiment_id, item.id, Submission(output="x"))


def test_an_item_that_is_not_there_is_named(workshop: Workshop) -> None:
    new = workshop.new(dataset_id=workshop.questions(1), steps=[{"type": "wait"}])
    experiment_id = workshop.jobs.submit(workshop.catalog, new).experiment_id
    with pytest.raises(NotFoundError, match="no item 'feed'"):
        workshop.jobs.submit_output(workshop.catalog, experiment_id, "feed", Submission(output="x"))


def test_a_step_that_waits_stands_alone(workshop: Workshop) -> None:
    steps = [{"type": "wait"}, {"type": "completion", "model": "gpt-4o-mini"}]
    with pytest.raises(UsageError, match="stands alone"):
        workshop.jobs.submit(workshop.catalog, workshop.new(dataset_id=workshop.questions(1), steps=steps))


def test_an_empty_dataset_is_completed_at_once(workshop: Workshop) -> None:
    dataset = workshop.catalog.datasets.get_or_create(workshop.project_id, "nothing in it").dataset_id
    found = workshop.run(dataset_id=dataset, steps=[{"type": "completion", "model": "gpt-4o-mini"}])
    assert (found.status, found.total, found.percent) == ("completed", 0, 100.0)
