"""What the author of an evaluator sends, brought into one form and checked.

The tutorial's form (`configurations`, `categorical_choices`) is mapped onto today's fields; what today's
fields say themselves wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from evalspan import confined
from evalspan.errors import UsageError
from evalspan.experiments import passing, templates
from evalspan.experiments.evaluator_versions import EvaluatorContent, LlmConfig, RuleConfig
from evalspan.model import Json

VARIABLES: Final = (
    "input", "output", "expected_output", "metadata", "metrics", "llm_input", "llm_output",
)  # fmt: skip
"""What a judge's template may use."""
_SELECTS: Final = frozenset({"single_select", "multi_select", "categorical"})
_FIELDS: Final = frozenset(EvaluatorContent.model_fields)
_CONFIGS: Final = frozenset({"score_config", "llm_config", "code_config", "rule_config", "configurations"})
_TEXTS: Final = ("value", "extract", "extract_expected", "ignore_case", "trim")
_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "exact": _TEXTS,
    "contains": _TEXTS,
    "similarity": _TEXTS,
    "regex": ("pattern", "extract", "ignore_case", "trim"),
    "json_schema": ("json_schema", "extract"),
    "numeric": ("value", "extract", "extract_expected", "absolute_tolerance", "relative_tolerance"),
}
_RULE_SCORES: Final = frozenset({"numerical", "percentage"})

Fields = dict[str, Any]


def content(fields: Mapping[str, Json]) -> EvaluatorContent:
    """A whole evaluator. Raises UsageError, ValidationError."""
    found = EvaluatorContent.model_validate(_mapped(fields))
    _check(found)
    return found


def changed(before: EvaluatorContent, changes: Mapping[str, Json]) -> EvaluatorContent:
    """An evaluator with some fields changed; of a configuration, some of its keys."""
    merged: Fields = before.model_dump(mode="json")
    rule = _part(changes, "rule_config").get("rule")
    if rule in _OPTIONS and before.rule_config and rule != before.rule_config.rule:
        kept = _part(merged, "rule_config")  # but what the other rule does not look at
        merged["rule_config"] = {name: kept[name] for name in _OPTIONS[str(rule)]}
    for key, value in _mapped(changes).items():
        known = merged.get(key)
        merges = key in _CONFIGS and isinstance(known, dict) and isinstance(value, dict)
        merged[key] = cast("Fields", known) | cast("Fields", value) if merges else value
    found = EvaluatorContent.model_validate(merged)
    _check(found)
    return found


def _mapped(fields: Mapping[str, Json]) -> Fields:
    """Today's fields; null is what is not stated."""
    given = {key: value for key, value in fields.items() if key in _FIELDS and value is not None}
    older = _part(fields, "configurations")
    for key, said in (("llm_config", _judge(older)), ("score_config", _range(older, fields))):
        if said:
            given[key] = {**said, **_part(given, key)}
    if older.get("passing_score") is not None and "passing_conditions" not in given:
        given["passing_conditions"] = {"primary_score": {"operator": "gte", "value": older["passing_score"]}}
    for key in _CONFIGS & given.keys():
        if isinstance(given[key], dict):
            given[key] = {name: value for name, value in given[key].items() if value is not None}
    return given


def _judge(older: Fields) -> Fields:
    options = _part(older, "model_options")
    return _stated(
        evaluator_definition=older.get("evaluator_definition"),
        scoring_rubric=older.get("scoring_rubric"),
        model=older.get("llm_engine"),
        temperature=options.get("temperature"),
        max_tokens=options.get("max_tokens"),
        top_p=options.get("top_p"),
    )


def _range(older: Fields, fields: Mapping[str, Json]) -> Fields:
    choices = fields.get("categorical_choices") or older.get("categorical_choices")
    return _stated(min_score=older.get("min_score"), max_score=older.get("max_score"), choices=choices)


def _stated(**values: Json) -> Fields:
    return {key: value for key, value in values.items() if value is not None}


def _part(fields: Mapping[str, Json], key: str) -> Fields:
    found = fields.get(key)
    return dict(cast("Fields", found)) if isinstance(found, dict) else {}


def _check(found: EvaluatorContent) -> None:
    """Raises UsageError where the evaluator could not be used."""
    passing.check(found.passing_conditions)
    low, high = found.score_config.min_score, found.score_config.max_score
    if low is not None and high is not None and low >= high:
        raise UsageError(f"min_score={low:g} is not below max_score={high:g}.", pointer="/score_config")
    names = [choice.name for choice in found.score_config.choices]
    if len(set(names)) < len(names):
        raise UsageError(
            f"Two choices have the same name: {', '.join(names)}.", pointer="/score_config/choices"
        )
    if found.type in ("llm", "code") and found.score_value_type in _SELECTS and not names:
        raise UsageError(
            f"A score of type {found.score_value_type} needs its choices: score_config.choices, a list of "
            '{"name", "value"}.',
            pointer="/score_config/choices",
        )
    _check_part(found)


def _check_options(rule: RuleConfig) -> None:
    """An option that the rule does not look at would be thought to hold."""
    for name, field in RuleConfig.model_fields.items():
        if name not in {"rule", *_OPTIONS[rule.rule]} and getattr(rule, name) != field.default:
            raise UsageError(
                f"The rule {rule.rule} has no option {name!r}; it has {', '.join(_OPTIONS[rule.rule])}.",
                pointer=f"/rule_config/{name}",
            )


def _check_part(found: EvaluatorContent) -> None:
    match found.type:
        case "llm":
            _check_judge(_needed(found.llm_config, "llm_config", "llm"))
        case "code":
            _needed(found.code_config, "code_config", "code")
        case "rule":
            _check_rule(_needed(found.rule_config, "rule_config", "rule"), found.score_value_type)
        case "human":
            pass


def _needed(part: Any, name: str, kind: str) -> Any:
    if part is None:
        raise UsageError(f"An evaluator of type {kind} needs {name}.", pointer=f"/{name}")
    return part


def _check_judge(config: LlmConfig) -> None:
    pointer = "/llm_config/evaluator_definition"
    used = templates.check_text("evaluator_definition", config.evaluator_definition)
    unknown = sorted(set(used) - set(VARIABLES))
    if unknown:
        raise UsageError(
            f"The evaluator_definition uses {unknown[0]!r}; it may use {', '.join(VARIABLES)}.",
            pointer=pointer,
        )
    if not {"output", "llm_output"} & set(used):
        raise UsageError(
            "The evaluator_definition does not show {{output}}, so nothing is judged.", pointer=pointer
        )


def _check_rule(rule: RuleConfig, score: str) -> None:
    _check_options(rule)
    needs = {"regex": ("pattern", rule.pattern), "json_schema": ("json_schema", rule.json_schema)}
    name, value = needs.get(rule.rule, ("", True))
    if value in ("", None):
        raise UsageError(f"The rule {rule.rule} needs rule_config.{name}.", pointer=f"/rule_config/{name}")
    if rule.rule == "similarity" and score not in _RULE_SCORES:
        raise UsageError(
            "The rule similarity gives a score of type numerical or percentage.", pointer="/score_value_type"
        )
    if rule.rule != "similarity" and score != "boolean":
        raise UsageError(f"The rule {rule.rule} gives a score of type boolean.", pointer="/score_value_type")
    try:
        for pattern in (rule.pattern, rule.extract, rule.extract_expected):
            confined.compute("search", pattern=pattern, text="")
        if rule.rule == "json_schema":
            confined.compute("conforms", schema=rule.json_schema, document=None)
    except confined.Trouble as trouble:
        raise UsageError(str(trouble), pointer="/rule_config") from None
