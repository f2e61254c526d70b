"""What each kind of evaluator says of a case."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from evalspan.errors import ServiceError, UsageError
from evalspan.experiments import evaluator_forms
from evalspan.judges import Answer, Case, CodeLimits, Verdict, judge, scored
from support.absent import absent

Fields = dict[str, Any]
AFTER = r"####\s*(\S+)"
AT_LEAST_4 = {"primary_score": {"operator": "gte", "value": 4}}
CHOICES = {"choices": [{"name": "Good", "value": 1}, {"name": "Bad", "value": 0}]}


def evaluator(type: str, score: str, **fields: Any) -> Fields:
    return {"name": "e", "type": type, "score_value_type": score, **fields}


def rule(name: str, score: str = "boolean", **config: Any) -> Fields:
    return evaluator("rule", score, rule_config={"rule": name, **config})


def llm(score: str = "numerical", definition: str = "Q: {{input}} A: {{output}}", **fields: Any) -> Fields:
    return evaluator(
        "llm", score, **{"llm_config": {"model": "m", "evaluator_definition": definition}, **fields}
    )


def say(found: Fields, case: Case, answer: str | Exception = "", code: CodeLimits | None = None) -> Verdict:
    """The verdict, where a model asked would answer that."""

    async def ask(model: str, messages: list[dict[str, Any]], **parameters: Any) -> Answer:
        if isinstance(answer, Exception):
            raise answer
        return Answer(text=answer, input_tokens=7, output_tokens=2, cost_usd=0.5)

    return asyncio.run(judge(evaluator_forms.content(found), case, ask, code=code))


@pytest.mark.parametrize(
    ("found", "output", "expected", "value"),
    [
        (rule("exact"), " 42\n", "42", True),
        (rule("exact", trim=False), " 42\n", "42", False),
        (rule("exact", ignore_case=True), "Straße", "STRASSE", True),
        (rule("exact"), {"a": 1, "b": [2]}, {"b": [2], "a": 1}, True),
        (rule("exact"), '{"b": [2.0],\n "a": 1}', {"a": 1, "b": [2]}, True),
        (rule("exact"), {"a": [1]}, {"a": [True]}, False),
        (rule("exact"), {"a": 1}, "{'a': 1}", False),
        (rule("exact"), 1, True, False),
        (rule("exact"), 1.0, 1, True),
        (rule("exact", value="yes"), "yes", "no", True),
        (rule("contains", ignore_case=True), "Hello World", ["hello", "world"], True),
        (rule("contains"), "Hello World", ["Hello", "moon"], False),
        (rule("regex", pattern=r"^\d+$"), "42", None, True),
        (rule("regex", pattern=r"^\d+$"), "42 apples", None, False),
        (rule("regex", pattern=r"^\d+$"), " 42\n", None, True),
        (rule("regex", pattern=r"^\d+$", trim=False), " 42", None, False),
        (rule("regex", pattern="^yes$", ignore_case=True), "YES", None, True),
        (rule("json_schema", json_schema={"required": ["a"]}), '{"a": 1}', None, True),
        (rule("json_schema", json_schema={"required": ["a"]}), {"b": 1}, None, False),
        (rule("json_schema", json_schema={"type": "object"}), "no JSON", None, False),
        (rule("numeric"), "1,234.50", 1234.5, True),
        (rule("numeric"), "about 42", 42, False),
        (rule("numeric", absolute_tolerance=0.5), 42.4, "42", True),
        (rule("numeric", relative_tolerance=0.01), 98.9, 100, False),
        (rule("numeric", extract=AFTER, extract_expected=AFTER), "so #### 7", "2+5 #### 7", True),
        (rule("numeric", extract=AFTER), "seven", 7, False),
        (rule("exact", extract="x(.*)"), "seven", "", False),
        (rule("similarity", "numerical"), "kitten", "kitten", 1.0),
        (rule("similarity", "percentage"), "ab", "ac", 50.0),
    ],
)  # fmt: skip
def test_a_rule_holds_the_output_against_what_is_expected(
    found: Fields, output: Any, expected: Any, value: object
) -> None:
    verdict = say(found, Case(output=output, expected_output=expected))
    assert (verdict.value, verdict.error) == (value, "")
    assert verdict.cost_usd == 0
    if value is False:
        assert verdict.explanation


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("exact", {"ignorecase": True}),
        ("exact", {"pattern": "x"}),
        ("contains", {"absolute_tolerance": 1}),
        ("numeric", {"json_schema": {}}),
    ],
)
def test_an_option_that_a_rule_does_not_look_at_is_refused(name: str, option: dict[str, Any]) -> None:
    with pytest.raises((UsageError, ValidationError), match=next(iter(option))):
        evaluator_forms.content(rule(name, **option))


def test_a_rule_looks_at_the_text_of_a_message() -> None:
    parts = [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}]
    for content in ("42", parts):
        assert say(
            rule("exact"), Case(output={"role": "assistant", "content": content}, expected_output="42")
        ).value


def test_a_rule_with_nothing_to_hold_against_is_an_error_and_no_score() -> None:
    for name in ("exact", "contains", "numeric"):
        verdict = say(rule(name), Case(output="x"))
        assert (verdict.value, verdict.passed) == (None, None)
        assert "no expected_output" in verdict.error
    assert "is not a number" in say(rule("numeric"), Case(output=1, expected_output="many")).error


@pytest.mark.parametrize(
    ("found", "answer", "value", "passed"),
    [
        (llm(), '{"score": 4, "explanation": "ok"}', 4.0, None),
        (llm(passing_conditions=AT_LEAST_4), '{"score": "3.5"}', 3.5, False),
        (llm("boolean"), '```json\n{"score": true}\n```', True, True),
        (llm("boolean"), "FALSE", None, None),
        (llm("boolean"), "false", False, False),
        (llm("percentage"), 'I think {"why": 1} {"score": 80} is right.', 80.0, None),
        (llm("single_select", score_config=CHOICES), '{"score": "good"}', "Good", None),
        (llm("multi_select", score_config=CHOICES), '{"score": ["Bad", "Good"]}', ["Bad", "Good"], None),
        (llm("text"), '{"score": "as it is"}', "as it is", None),
        (llm("json"), '{"score": {"a": [1]}}', {"a": [1]}, None),
    ],
)  # fmt: skip
def test_a_models_answer_is_read_by_the_type_of_the_score(
    found: Fields, answer: str, value: object, passed: bool | None
) -> None:
    verdict = say(found, Case(input="q", output="a"), answer)
    assert (verdict.value, verdict.passed) == (value, passed)
    assert (verdict.cost_usd, verdict.input_tokens, verdict.output_tokens) == (0.5, 7, 2)


@pytest.mark.parametrize(
    ("found", "answer", "told"),
    [
        (llm(score_config={"min_score": 1, "max_score": 5}), '{"score": 7}', "a number from 1 to 5, not 7"),
        (llm(), '{"score": true}', "is a number, not True"),
        (llm(), '{"score": NaN}', "is a number, not nan"),
        (llm("percentage"), '{"score": 101}', "a number from 0 to 100, not 101"),
        (llm("boolean"), '{"score": 1}', "true or false, not 1"),
        (llm("single_select", score_config=CHOICES), '{"score": "So so"}', "\"Bad\", not 'So so'"),
        (llm(), "Rather good!", "no JSON object with a score: 'Rather good!'"),
        (llm(), '{"rating": 4}', "no JSON object with a score"),
    ],
)  # fmt: skip
def test_an_answer_that_does_not_fit_is_an_error_and_its_price_is_kept(
    found: Fields, answer: str, told: str
) -> None:
    verdict = say(found, Case(input="q", output="a"), answer)
    assert told in verdict.error
    assert (verdict.value, verdict.passed, verdict.cost_usd) == (None, None, 0.5)


def test_the_judge_sees_the_case_the_rubric_and_what_to_answer() -> None:
    seen: list[Any] = []

    async def ask(model: str, messages: list[dict[str, Any]], **parameters: Any) -> Answer:
        seen.extend([model, messages, parameters])
        return Answer(text="3")

    definition = "{{input.q}}|{{output}}|{{expected_output}}|{{metadata}}|{{metrics.latency}}"
    config = {
        "model": "m",
        "evaluator_definition": definition,
        "scoring_rubric": "3 is fair",
        "temperature": 0,
    }
    found = llm(llm_config=config, score_config={"min_score": 1, "max_score": 5})
    output = {"role": "assistant", "content": "{{ not a template }}"}
    case = Case({"q": "why?"}, output, None, {"team": "a"}, {"latency": 2})
    assert asyncio.run(judge(evaluator_forms.content(found), case, ask)).cost_usd is None
    model, (system, user), parameters = seen
    assert (model, parameters) == ("m", {"temperature": 0})
    assert user == {"role": "user", "content": 'why?|{{ not a template }}||{"team": "a"}|2'}
    assert "a number from 1 to 5" in system["content"]
    assert "3 is fair" in system["content"]


def test_what_goes_wrong_on_the_way_is_the_error_of_the_score() -> None:
    verdict = say(llm(), Case(output="a"), ServiceError("the provider is away"))
    assert (verdict.error, verdict.error_type) == ("the provider is away", "ServiceError")
    assert "'team'" in say(llm(definition="{{output}}{{metadata.team}}"), Case(output="a"), "3").error
    assert "a person's" in say(evaluator("human", "boolean"), Case(output="a")).error
    with pytest.raises(KeyError):
        say(llm(), Case(output="a"), KeyError("not ours"))


def test_code_runs_where_the_operator_enabled_it() -> None:
    if sys.platform != "linux":
        absent("code is confined on Linux only")
    source = (
        "def main(e):\n    return {'score': len(e['output']) / len(e['expected_output']), 'explanation': 'x'}"
    )
    found = evaluator("code", "numerical", code_config={"eval_code_snippet": source})
    case = Case(output="abc", expected_output="abcdef")
    verdict = say(found, case, code=CodeLimits(2, 64 * 1024 * 1024))
    assert (verdict.value, verdict.explanation) == (0.5, "x")
    assert "EVALSPAN_CODE_EVALUATORS" in say(found, case).error
    wrong = evaluator("code", "boolean", code_config={"eval_code_snippet": "def main(e): return 1"})
    assert "true or false, not 1" in say(wrong, case, code=CodeLimits(2, 64 * 1024 * 1024)).error
    fails = evaluator("code", "boolean", code_config={"eval_code_snippet": "def main(e): return e['no']"})
    verdict = say(fails, case, code=CodeLimits(2, 64 * 1024 * 1024))
    assert (verdict.error, verdict.error_type) == ("'no' (line 1)", "KeyError")


def test_a_persons_score_is_checked_like_any_other() -> None:
    found = evaluator_forms.content(evaluator("human", "single_select", score_config=CHOICES))
    assert scored(found, "Bad", "short").primary_score == 0
    with pytest.raises(ValueError, match="one of"):
        scored(found, "bad luck")
