"""`gen_ai.evaluation.result`: a score, as a log record or as a span event.

A score of a record that names neither its record nor its iteration, but carries a trace id, belongs
to the case of that trace: it is stored without ids of its own, and the views look the case up. A
score that names an experiment and neither record nor trace concerns the experiment as a whole.
"""

from __future__ import annotations

from typing import Final

from evalspan import attributes as names
from evalspan.ingest import cases
from evalspan.ingest.batch import Batch, Row
from evalspan.ingest.cases import Identity
from evalspan.ingest.dialect import View, amount

TABLE: Final = "evaluations_data"
COLUMNS: Final = (
    "experiment_id", "trace_id", "span_id", "name", "source", "run_iteration", "run_id", "record_id",
    "project", "type", "score_value", "label_value", "json_value", "explanation", "assessment",
    "evaluator_id",
    "evaluator_type", "evaluator_version", "error", "error_type", "response_id", "metadata", "tags",
    "service_name", "attributes", "attribute_types", "timestamp",
)  # fmt: skip

NAMELESS: Final = f"{names.EVALUATION_RESULT} without {names.EVALUATION_NAME}"
_TYPES: Final = frozenset({"score", "categorical", "boolean", "json"})
_RECORD: Final = "record"
_SUMMARY: Final = "summary"
_EXPERIMENT: Final = COLUMNS.index("experiment_id")
_PROJECT: Final = COLUMNS.index("project")


def add(
    batch: Batch,
    view: View,
    trace_id: str,
    span_id: str,
    service_name: str,
    around: Identity = cases.NOBODY,
) -> bool:
    """Add one score to the batch; False when it is NAMELESS, which makes it none.

    Args:
        view: the event's attributes and time.
        around: what the span says that the event happened on.
    """
    name = view.texts.get(names.EVALUATION_NAME, "")
    if not name:
        return False
    row = _row(view, name, trace_id, span_id, service_name, around)
    batch.add(TABLE, row)
    if row[_EXPERIMENT]:
        batch.mentioned.setdefault(row[_EXPERIMENT], row[_PROJECT])
    return True


def _row(view: View, name: str, trace_id: str, span_id: str, service_name: str, around: Identity) -> Row:
    texts = view.texts
    source, who = _place(view, trace_id, around)
    if who.by_start:
        trace_id = ""  # the views find the case by its experiment and span
    type, score, label, json_value = _value(view)
    return (
        who.experiment_id,
        trace_id,
        span_id,
        name,
        source,
        who.run_iteration,
        who.run_id,
        who.record_id,
        texts.get(names.PROJECT_NAME) or around.project,
        type,
        score,
        label,
        json_value,
        texts.get(names.EVALUATION_EXPLANATION, ""),
        texts.get(names.EVALUATION_ASSESSMENT, ""),
        texts.get(names.EVALUATOR_ID, ""),
        texts.get(names.EVALUATOR_TYPE, ""),
        texts.get(names.EVALUATOR_VERSION, ""),
        texts.get(names.EVALUATION_ERROR) or texts.get(names.EXCEPTION_MESSAGE, ""),
        texts.get(names.ERROR_TYPE, ""),
        texts.get(names.RESPONSE_ID, ""),
        cases.with_prefix(texts, names.EVALUATION_METADATA_PREFIX),
        cases.with_prefix(texts, names.EVALUATION_TAG_PREFIX),
        service_name,
        texts,
        view.types,
        view.start_ns,
    )


def _place(view: View, trace_id: str, around: Identity) -> tuple[str, Identity]:
    """(source, ids) of a score."""
    stated = cases.identity(view)
    source = view.texts.get(names.EVALUATION_SOURCE, "")
    if around.by_start and source != _SUMMARY:
        return _RECORD, Identity(experiment_id=around.experiment_id, by_start=True)
    who = Identity(
        experiment_id=stated.experiment_id or around.experiment_id,
        run_id=stated.run_id or around.run_id,
        run_iteration=stated.run_iteration or around.run_iteration,
        record_id=stated.record_id or around.record_id,
    )
    if source not in (_RECORD, _SUMMARY):
        whole = not who.record_id and not trace_id and bool(who.experiment_id or stated.experiment)
        source = _SUMMARY if whole else _RECORD
    if source == _SUMMARY:
        who.record_id = ""
        who.experiment_id = who.experiment_id or cases.derived_id(stated)
        return source, who
    if trace_id and not (who.experiment_id and who.record_id):
        return source, cases.NOBODY
    if who.experiment_id and who.record_id:
        who.run_iteration = who.run_iteration or 1
    return source, who


def _value(view: View) -> tuple[str, float | None, str | None, str | None]:
    """(type, score, label, JSON) by what the event says, else by what it has."""
    texts = view.texts
    stated = texts.get(names.EVALUATION_TYPE, "")
    text = texts.get(names.EVALUATION_SCORE_VALUE)
    boolean = view.types.get(names.EVALUATION_SCORE_VALUE) == "bool"
    score = float(text == "true") if boolean else amount(text)
    label = texts.get(names.EVALUATION_SCORE_LABEL)
    json_value = texts.get(names.EVALUATION_JSON)
    if stated in _TYPES:
        return stated, score, label, json_value
    if boolean:
        return "boolean", score, label, json_value
    if score is not None:
        return "score", score, label, json_value
    return ("json" if label is None and json_value is not None else "categorical"), None, label, json_value
