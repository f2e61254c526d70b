"""Rules: checks without a model. Patterns, schemas and likeness are worked out in a confined process."""

from __future__ import annotations

import json
import math
from typing import Any, Final, cast

from evalspan import confined
from evalspan.errors import UsageError
from evalspan.experiments.evaluator_versions import EvaluatorContent, RuleConfig
from evalspan.judges.texts import looked_at, plain
from evalspan.judges.values import scored
from evalspan.judges.verdict import Case, Verdict
from evalspan.model import Json

_SHOWN: Final = 200
_MAX_LIKENED: Final = 20_000  # characters; the time it takes grows with the product of the lengths


def apply(evaluator: EvaluatorContent, case: Case) -> Verdict:
    """What the rule says of the case. Blocks.

    Raises:
        UsageError: the case has nothing to be held against. confined.Trouble.
    """
    rule = evaluator.rule_config
    assert rule is not None  # evaluator_forms sees to it
    try:
        return _applied(evaluator, rule, case)
    except _NotThere:
        told = f"The output has no match of {rule.extract!r}."
        return scored(evaluator, False if evaluator.score_value_type == "boolean" else 0.0, told)


class _NotThere(Exception):
    """What is to be taken out of the output is not in it."""


def _applied(evaluator: EvaluatorContent, rule: RuleConfig, case: Case) -> Verdict:
    match rule.rule:
        case "regex":
            output = _output(rule, case)
            text = output.strip() if rule.trim else output
            asked = {"pattern": rule.pattern, "ignore_case": rule.ignore_case}
            found = confined.compute("search", text=text, **asked) is not None
            return scored(evaluator, found, "" if found else f"{rule.pattern!r} is not in the output.")
        case "json_schema":
            wrong = _schema(rule, case)
            return scored(evaluator, not wrong, wrong)
        case "similarity":
            return _similarity(evaluator, rule, case)
        case "numeric":
            return _numeric(evaluator, rule, case)
        case "exact":
            return _exact(evaluator, rule, case)
        case "contains":
            return _contains(evaluator, rule, case)


def _exact(evaluator: EvaluatorContent, rule: RuleConfig, case: Case) -> Verdict:
    wanted, output = _wanted(rule, case), looked_at(case.output)
    same = _text(rule, plain(wanted)) == _text(rule, _output(rule, case))
    if not same and not rule.extract and not (isinstance(wanted, str) and isinstance(output, str)):
        same = _same(_read(output), _read(wanted))
    told = "" if same else f"The output is not {_short(wanted)}."
    return scored(evaluator, same, told)


def _contains(evaluator: EvaluatorContent, rule: RuleConfig, case: Case) -> Verdict:
    """Every text of a list of them."""
    wanted = _wanted(rule, case)
    texts = [plain(item) for item in (cast("list[Json]", wanted) if isinstance(wanted, list) else [wanted])]
    output = _text(rule, _output(rule, case))
    absent = [text for text in texts if _text(rule, text) not in output]
    told = f"The output does not contain {_short(absent[0])}." if absent else ""
    return scored(evaluator, not absent, told)


def _numeric(evaluator: EvaluatorContent, rule: RuleConfig, case: Case) -> Verdict:
    wanted = _number(plain(_wanted(rule, case)))
    if wanted is None:
        raise UsageError(f"The expected output {_short(_wanted(rule, case))} is not a number.")
    output = _output(rule, case)
    number = _number(output)
    if number is None:
        return scored(evaluator, False, f"The output {_short(output)} is not a number.")
    # As math.isclose has it: relative to the larger of the two would let the output set its own tolerance.
    allowed = max(rule.absolute_tolerance, rule.relative_tolerance * abs(wanted))
    near = number == wanted or abs(number - wanted) <= allowed
    return scored(evaluator, near, "" if near else f"{number:g} is not {wanted:g}, give or take {allowed:g}.")


def _similarity(evaluator: EvaluatorContent, rule: RuleConfig, case: Case) -> Verdict:
    texts = [_text(rule, plain(_wanted(rule, case))), _text(rule, _output(rule, case))]
    if max(map(len, texts)) > _MAX_LIKENED:
        raise UsageError(f"Texts of more than {_MAX_LIKENED} characters are not compared.")
    ratio = float(confined.compute("similarity", a=texts[0], b=texts[1]))
    return scored(evaluator, ratio * 100 if evaluator.score_value_type == "percentage" else ratio)


def _schema(rule: RuleConfig, case: Case) -> str:
    """What is wrong by the schema; a text is read as JSON first."""
    document: Json = looked_at(case.output)
    if rule.extract or isinstance(document, str):
        text = _output(rule, case)
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            return f"The output is not JSON: {error}."
    return str(confined.compute("conforms", schema=rule.json_schema, document=document))


def _wanted(rule: RuleConfig, case: Case) -> Json:
    """What the output is held against.

    Raises:
        UsageError: nothing is.
    """
    wanted = case.expected_output if rule.value is None else rule.value
    if wanted is None:
        raise UsageError(
            "There is nothing to hold the output against: no rule_config.value, no expected_output."
        )
    if rule.extract_expected:
        return _extracted(rule.extract_expected, plain(wanted), "expected output")
    return looked_at(wanted)


def _output(rule: RuleConfig, case: Case) -> str:
    text = plain(case.output)
    if not rule.extract:
        return text
    found = confined.compute("search", pattern=rule.extract, text=text)
    if found is None:
        raise _NotThere
    return str(found)


def _extracted(pattern: str, text: str, what: str) -> str:
    found: Any = confined.compute("search", pattern=pattern, text=text)
    if found is None:
        raise UsageError(f"The {what} {_short(text)} has no match of {pattern!r}.")
    return str(found)


def _text(rule: RuleConfig, text: str) -> str:
    trimmed = text.strip() if rule.trim else text
    return trimmed.casefold() if rule.ignore_case else trimmed


def _number(text: str) -> float | None:
    """A text that is a number and nothing else; `1,234.5` and `1234.5` are the same."""
    cleaned = text.strip()
    head, _, tail = cleaned.partition(".")
    groups = head.lstrip("+-").split(",")
    if len(groups) > 1 and all(len(group) == 3 for group in groups[1:]) and 1 <= len(groups[0]) <= 3:
        cleaned = head.replace(",", "") + (f".{tail}" if tail else "")
    try:
        number = float(cleaned)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in cleaned else None


def _read(value: Json) -> Json:
    """What a text is the JSON of; models answer with texts."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


def _same(a: Json, b: Json) -> bool:
    """Equal as JSON: 1 is 1.0 and true is not 1, at any depth."""
    if isinstance(a, dict) and isinstance(b, dict):
        first, second = cast("dict[str, Json]", a), cast("dict[str, Json]", b)
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(a, list) and isinstance(b, list):
        one, other = cast("list[Json]", a), cast("list[Json]", b)
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
