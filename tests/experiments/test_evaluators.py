"""The registry of evaluators, on both engines, and the forms in which they are described."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from evalspan.errors import ConflictError, NotFoundError, ReadOnlyError, UsageError
from evalspan.experiments import Catalog, evaluator_forms, passing
from evalspan.experiments.evaluators import Evaluators, resolve
from evalspan.store import Store

JUDGE: dict[str, Any] = {
    "name": "Helpful?",
    "type": "llm",
    "score_value_type": "numerical",
    "llm_config": {"model": "m", "evaluator_definition": "{{output}}"},
    "score_config": {"min_score": 1, "max_score": 5},
}
# As the tutorial of the vendor has it.
OLDER: dict[str, Any] = {
    "name": "Helpful?",
    "type": "llm",
    "score_value_type": "numerical",
    "configurations": {
        "evaluator_definition": "{{llm_input}} {{llm_output}}",
        "scoring_rubric": "5 is best",
        "llm_engine": "m",
        "model_options": {"temperature": 0.1, "max_tokens": 200},
        "min_score": 1.0,
        "max_score": 5.0,
        "passing_score": 3.0,
    },
}


def rule(name: str, score: str = "boolean", **config: Any) -> dict[str, Any]:
    return {"name": "r", "type": "rule", "score_value_type": score, "rule_config": {"rule": name, **config}}


@pytest.fixture
def project(store: Store) -> str:
    return Catalog(store).projects.get_or_create("p").project_id


def test_what_is_committed_stays_and_the_draft_goes_on(store: Store, project: str) -> None:
    evaluators = Evaluators(store)
    made = evaluators.create(project, JUDGE)
    assert (made.slug, made.version, made.is_read_only) == ("helpful", 0, False)
    next_draft = evaluators.commit("helpful", "first", {"name": "Helpful!"})
    assert (next_draft.version, next_draft.is_read_only, next_draft.name) == (1, False, "Helpful!")
    committed = evaluators.get("helpful:0")
    assert (committed.is_read_only, committed.version_description, committed.name) == (
        True,
        "first",
        "Helpful?",
    )
    with pytest.raises(ReadOnlyError, match="Version 0 of evaluator 'helpful' is committed"):
        evaluators.edit("helpful", {"name": "x"}, number=0)
    with pytest.raises(ReadOnlyError, match="Version 0 of evaluator 'helpful' is committed"):
        evaluators.edit("helpful:0", {"name": "x"})
    with pytest.raises(UsageError, match="'helpful:0' names a version"):
        evaluators.commit("helpful:0")
    assert evaluators.edit("helpful", {"llm_config": {"temperature": 0}}).llm_config is not None
    assert [each.version for each in evaluators.versions(made.evaluator_id)] == [1, 0]


def test_the_latest_committed_version_scores_and_else_the_draft(store: Store, project: str) -> None:
    evaluators = Evaluators(store)
    evaluators.create(project, JUDGE)
    first = resolve(store, ["helpful"])[0].label
    evaluators.edit("helpful", {"score_config": {"max_score": 10}})
    second = resolve(store, ["helpful"])[0].label
    assert {first[:8], second[:8]} == {"0-draft-"}
    assert first != second
    evaluators.commit("helpful")
    evaluators.edit("helpful", {"score_config": {"max_score": 7}})
    assert [each.label for each in resolve(store, ["helpful", "helpful:0"])] == ["0", "0"]
    assert resolve(store, ["helpful:draft"])[0].score_config.max_score == 7


def test_an_evaluator_that_is_not_there_is_named_with_those_that_are(store: Store, project: str) -> None:
    Evaluators(store).create(project, JUDGE)
    with pytest.raises(NotFoundError, match=r"no evaluator 'helpfull': no id and no slug\. There is helpful"):
        resolve(store, ["helpful", "helpfull"])
    with pytest.raises(NotFoundError, match="'helpful' has no version 3; it has 0"):
        resolve(store, ["helpful:3"])
    with pytest.raises(ConflictError, match="an evaluator 'helpful' in this project already"):
        Evaluators(store).create(project, JUDGE, slug="helpful")
    Evaluators(store).remove("helpful")
    assert Evaluators(store).find() == []


def test_the_tutorials_form_is_mapped_onto_todays_fields() -> None:
    found = evaluator_forms.content(OLDER)
    assert found.llm_config is not None
    assert (found.llm_config.model, found.llm_config.scoring_rubric) == ("m", "5 is best")
    assert found.llm_config.parameters() == {"temperature": 0.1, "max_tokens": 200}
    assert (found.score_config.min_score, found.score_config.max_score) == (1, 5)
    assert passing.passes(found.passing_conditions, 3.0, []) is True
    assert passing.passes(found.passing_conditions, 2.9, []) is False
    changed = evaluator_forms.changed(found, {"configurations": {"llm_engine": "n", "passing_score": 4}})
    assert changed.llm_config is not None
    assert (changed.llm_config.model, changed.llm_config.scoring_rubric) == ("n", "5 is best")
    assert passing.passes(changed.passing_conditions, 3.0, []) is False


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"llm_config": None}, "of type llm needs llm_config"),
        ({"llm_config": {"model": "m", "evaluator_definition": "hi"}}, "does not show {{output}}"),
        ({"llm_config": {"model": "m", "evaluator_definition": "{{output}} {{x}}"}}, "uses 'x'; it may"),
        ({"llm_config": {"model": "m", "evaluator_definition": "{{output"}}, "evaluator_definition, line 1"),
        ({"score_value_type": "single_select"}, "single_select needs its choices"),
        ({"score_config": {"min_score": 5, "max_score": 1}}, "min_score=5 is not below max_score=1"),
        ({"score_config": {"choices": [{"name": "a"}, {"name": "a"}]}}, "same name"),
        ({"type": "code"}, "of type code needs code_config"),
        ({"passing_conditions": {"score": {"operator": "gte", "value": 1}}}, "not 'score'"),
        ({"passing_conditions": {"primary_score": {"operator": "over", "value": 1}}}, "no operator 'over'"),
        ({"passing_conditions": {"primary_score": {"operator": "gte", "value": "much"}}}, "compares numbers"),
        (rule("regex"), r"regex needs rule_config\.pattern"),
        (rule("regex", pattern="("), "not a regular expression"),
        (rule("json_schema", json_schema={"type": 3}), "not a JSON schema"),
        (rule("similarity"), "similarity gives a score of type numerical"),
        (rule("exact", "numerical"), "exact gives a score of type boolean"),
    ],
)  # fmt: skip
def test_an_evaluator_that_could_not_be_used_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        evaluator_forms.content({**JUDGE, **change})


def test_a_rule_that_becomes_another_one_keeps_what_that_one_looks_at() -> None:
    given = {"rule": "regex", "pattern": "a", "ignore_case": True}
    fields = {"name": "r", "type": "rule", "score_value_type": "boolean", "rule_config": given}
    found = evaluator_forms.content(fields)
    assert evaluator_forms.content(found.model_dump(mode="json")) == found
    changed = evaluator_forms.changed(found, {"rule_config": {"rule": "exact"}}).rule_config
    assert changed is not None
    assert (changed.rule, changed.pattern, changed.ignore_case) == ("exact", "", True)


def test_an_unknown_type_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="type"):
        evaluator_forms.content({**JUDGE, "type": "oracle"})


@pytest.mark.parametrize(
    ("conditions", "number", "texts", "passed"),
    [
        ({}, 1.0, [], None),
        ({"primary_score": {"operator": "gte", "value": 3}}, 3.0, [], True),
        ({"primary_score": {"operator": ">", "value": [3]}}, 3.0, [], False),
        ({"primary_score": [{"operator": "gt", "value": 1}, {"operator": "lt", "value": 3}]}, 2.0, [], True),
        ({"primary_score": {"operator": "", "value": [1, 2]}}, 2.0, [], True),
        ({"primary_score": {"operator": "gte", "value": 3}}, None, ["good"], None),
        ({"boolean_value": True}, 0.0, ["false"], False),
        ({"categorical_value": {"operator": "in", "value": ["good", "fair"]}}, None, ["fair"], True),
        ({"categorical_value": {"operator": "in", "value": ["good"]}}, None, [], False),
        ({"categorical_value": {"operator": "not_in", "value": ["good"]}}, None, [], True),
        ({"categorical_value": {"operator": "in", "value": ["good"]}}, 1.0, None, None),
        ({"categorical_value": {"operator": "not_in", "value": ["bad"]}}, None, ["bad", "fair"], False),
        ({"string_value": {"operator": "iexact", "value": "YES"}}, None, ["yes"], True),
    ],
)  # fmt: skip
def test_what_passes(
    conditions: dict[str, Any], number: float | None, texts: list[str] | None, passed: bool | None
) -> None:
    assert passing.passes(conditions, number, texts) is passed
