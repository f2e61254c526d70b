"""`evalspan.prompts` and `evalspan.evaluators`, against a real service."""

from __future__ import annotations

import pytest
from opentelemetry import trace

import evalspan
from evalspan.errors import ConflictError, NotFoundError, UsageError
from evalspan.sdk.lifecycle import Runtime


def test_a_prompt_gets_versions_of_which_one_is_live(runtime: Runtime) -> None:
    assert runtime
    slug = evalspan.prompts.create("Summary of a text").slug
    text = [{"role": "user", "content": "In one line: {{ text }}"}]
    draft = evalspan.prompts.add_version(slug, text, model="m", variables={"text": "string"}, temperature=0)
    assert (draft.version, draft.readonly, draft.fields["temperature"]) == (1, False, 0)
    with pytest.raises(UsageError, match=r"Version 1 .* is a draft"):
        evalspan.prompts.deploy(slug, 1)
    assert evalspan.prompts.commit(slug, "first").description == "first"
    assert evalspan.prompts.deploy(slug, 1).is_deployed
    found = evalspan.prompts.get(slug)
    assert (found.current_version, found.live_version) == (2, 1)
    assert [each.version for each in evalspan.prompts.versions(slug)] == [2, 1]
    assert slug in {each.slug for each in evalspan.prompts.list()}
    with pytest.raises(ConflictError, match=slug):
        evalspan.prompts.create("other", slug=slug)
    evalspan.prompts.delete(slug)
    with pytest.raises(NotFoundError, match=slug):
        evalspan.prompts.get(slug)


def test_an_evaluator_is_tried_and_committed(runtime: Runtime) -> None:
    assert runtime
    made = evalspan.evaluators.create("Same", "rule", "boolean", slug="same", rule_config={"rule": "exact"})
    trial = evalspan.evaluators.run("same", "a", expected_output="A")
    assert (trial.value, trial.passed, trial.cost_usd) == (False, False, 0)
    evalspan.evaluators.update("same", rule_config={"ignore_case": True})
    assert evalspan.evaluators.run("same", "a", expected_output="A").value is True
    assert evalspan.evaluators.commit("same").version == 1
    assert evalspan.evaluators.get("same:0").is_read_only
    assert [each.version for each in evalspan.evaluators.versions(made.id)] == [1, 0]
    assert evalspan.evaluators.run("same", "a").error


def test_a_person_scores_a_trace(runtime: Runtime) -> None:
    evalspan.evaluators.create("Tone", "human", "single_select", slug="tone")
    with evalspan.span("answer"):
        trace_id = format(trace.get_current_span().get_span_context().trace_id, "032x")
    assert evalspan.flush()
    for value in ("kind", "curt"):
        evalspan.evaluators.score("tone", trace_id, value, "read by eye")
    query = "SELECT label_value, explanation, evaluator_version FROM evaluations WHERE trace_id = {t:String}"
    rows = list(runtime.client.sql(query, t=trace_id))
    assert [(row["label_value"], row["explanation"]) for row in rows] == [("curt", "read by eye")]
    assert rows[0]["evaluator_version"].startswith("0-draft-")
    with pytest.raises(UsageError, match="a text"):
        evalspan.evaluators.score("tone", trace_id, "")
