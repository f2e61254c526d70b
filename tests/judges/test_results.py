"""A verdict as a `gen_ai.evaluation.result`: the types of the SQL contract, and who judged."""

from __future__ import annotations

from typing import Any

from evalspan import attributes as names
from evalspan.experiments import Catalog
from evalspan.experiments.evaluators import Evaluators
from evalspan.judges import result_attributes, scored
from evalspan.judges.verdict import Verdict
from evalspan.store import Store

WRITTEN: list[tuple[str, Any, dict[str, Any]]] = [
    ("numerical", 3, {names.EVALUATION_TYPE: "score", names.EVALUATION_SCORE_VALUE: 3.0}),
    ("boolean", False, {names.EVALUATION_TYPE: "boolean", names.EVALUATION_SCORE_VALUE: 0.0}),
    ("single_select", "a", {names.EVALUATION_TYPE: "categorical", names.EVALUATION_SCORE_LABEL: "a"}),
    ("multi_select", ["a", "b"], {names.EVALUATION_TYPE: "json", names.EVALUATION_JSON: '["a", "b"]'}),
    ("json", {"a": None}, {names.EVALUATION_TYPE: "json", names.EVALUATION_JSON: '{"a": null}'}),
]


def test_a_value_is_written_by_the_type_of_its_evaluator(embedded_store: Store) -> None:
    project = Catalog(embedded_store).projects.get_or_create("p").project_id
    for kind, value, written in WRITTEN:
        fields = {"name": kind, "type": "human", "score_value_type": kind}
        found = Evaluators(embedded_store).create(project, fields)
        result = result_attributes(found, scored(found, value, "because"))
        assert {key: result[key] for key in written} == written
        assert (result[names.EVALUATION_NAME], result[names.EVALUATOR_ID]) == (found.slug, found.evaluator_id)
        assert result[names.EVALUATOR_VERSION] == found.label


def test_an_error_is_written_without_a_value(embedded_store: Store) -> None:
    project = Catalog(embedded_store).projects.get_or_create("p").project_id
    fields = {"name": "Judge", "type": "human", "score_value_type": "numerical"}
    found = Evaluators(embedded_store).create(project, fields)
    failed = result_attributes(found, Verdict(error="it broke"))
    assert (failed[names.EVALUATION_ERROR], failed[names.ERROR_TYPE]) == ("it broke", "EvaluatorError")
    assert failed[names.EVALUATION_SCORE_VALUE] is failed[names.EVALUATION_SCORE_LABEL] is None
