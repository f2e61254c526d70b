"""`/api/scores/` and `/api/logs/{id}/scores/`: scores that people or other programs give.

A score is a span `evaluator.SLUG` in the trace of what it judges, and the score itself upon it, which
go the road of all telemetry. One scorer has one score per evaluator and log: again, it replaces it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from pydantic import StrictBool, StrictFloat, StrictInt
from starlette.responses import Response

from evalspan import attributes as names
from evalspan.api.datadog.otlp import attributes
from evalspan.api.envelope import Body
from evalspan.api.respan import scoring
from evalspan.api.respan.call import Call, Operation, answer, nothing
from evalspan.api.respan.listing import listed
from evalspan.api.respan.values import parsed
from evalspan.errors import NotFoundError, UsageError
from evalspan.experiments.evaluator_versions import EvaluatorVersion
from evalspan.experiments.evaluators import resolve
from evalspan.ingest import Signal
from evalspan.judges import result_attributes
from evalspan.judges.values import scored
from evalspan.model import Json
from evalspan.store import sql

_VALUES: Final = tuple(dict.fromkeys(scoring.FIELD.values()))
_MOST: Final = 100_000
_DEFAULT_SCORER: Final = "api"
FIELDS: Final = frozenset(
    {
        "id", "created_at", "type", "log_id", "trace_id", "experiment_id", "evaluator_id", "evaluator_slug",
        "evaluator_name", "evaluator_version", "scorer", "is_passed", "status", "error_message",
        "explanation", "score_value_type", "primary_score", *_VALUES,
    }
)  # fmt: skip


class ScoreBody(Body):
    """One of the value fields is needed: the one of the evaluator's kind."""

    evaluator_id: str | None = None
    evaluator_slug: str | None = None
    log_id: str | None = None
    scorer: str | None = None
    numerical_value: StrictInt | StrictFloat | str | None = None
    string_value: str | None = None
    boolean_value: StrictBool | str | None = None
    categorical_value: list[str] | str | None = None
    json_value: Json = None
    explanation: str | None = None


def create(call: Call) -> Response:
    body = call.model(ScoreBody)
    log_id = call.path.get("log_id") or body.log_id
    if not log_id:
        raise UsageError("log_id is needed: the id of the log that is scored.", pointer="/log_id")
    reference = body.evaluator_id or body.evaluator_slug
    if not reference:
        raise UsageError("evaluator_id or evaluator_slug is needed.", pointer="/evaluator_id")
    place = _place(call, log_id)
    (evaluator,) = resolve(call.store, [reference])
    return answer(_written(call, place, evaluator, body, body.scorer or _DEFAULT_SCORER), 201)


def find(call: Call) -> Response:
    log_id = call.path.get("log_id", "")
    trace = str(_place(call, log_id)["trace_id"]) if log_id else ""
    rows = call.store.query(sql("queries/respan_log_scores"), {"trace_id": trace, "limit": _MOST + 1})
    if len(rows) > _MOST:
        raise UsageError(f"There are more than {_MOST} scores; ask for those of one log.", pointer="/filters")
    return listed(call, [_rendered(row) for row in rows], FIELDS, "-created_at")


def get(call: Call) -> Response:
    return answer(_rendered(_stored(call)))


def update(call: Call) -> Response:
    """Another value by the same scorer; PATCH keeps the explanation where none is given."""
    body, row = call.model(ScoreBody), _stored(call)
    (evaluator,) = resolve(call.store, [row["evaluator_id"] or row["name"]])
    if call.request.method == "PATCH" and body.explanation is None:
        body.explanation = row["explanation"]
    place = _place(call, str(row["trace_id"]))
    return answer(_written(call, place, evaluator, body, row["tags"].get("scorer") or _DEFAULT_SCORER))


def delete(call: Call) -> Response:
    row = _stored(call)
    key = {name: str(row[name]) for name in ("trace_id", "span_id", "name")}
    call.store.erase(
        "evaluations_data",
        "trace_id = {trace_id:String} AND span_id = {span_id:String} AND name = {name:String}",
        key,
    )
    return nothing()


def _place(call: Call, log_id: str) -> Mapping[str, Any]:
    """What is scored. Raises NotFoundError."""
    whole = len(log_id) == 32
    found = call.store.query(sql("queries/respan_log"), {"whole": whole, "log_id": log_id})
    if not found:
        raise NotFoundError(f"There is no log {log_id!r}, or it has not run yet.")
    return found[0]


def _stored(call: Call) -> Mapping[str, Any]:
    """The score of the path. Raises NotFoundError."""
    wanted = call.path["score_id"]
    rows = call.store.query(sql("queries/respan_log_scores"), {"trace_id": wanted[:32], "limit": _MOST})
    found = next((row for row in rows if _identity(row) == wanted), None)
    if found is None:
        raise NotFoundError(f"There is no score {wanted!r}.")
    return found


def _written(
    call: Call, place: Mapping[str, Any], evaluator: EvaluatorVersion, body: ScoreBody, scorer: str
) -> dict[str, Any]:
    """Write a score; as it is then."""
    verdict = scored(evaluator, _value(evaluator, body), body.explanation or "")
    trace_id, now = str(place["trace_id"]), time.time_ns()
    digest = hashlib.sha256("\0".join((trace_id, evaluator.evaluator_id, scorer)).encode()).hexdigest()
    span_id = digest[:16]
    ids = {
        names.EXPERIMENT_ID: place["experiment_id"],
        names.RUN_ID: place["run_id"],
        names.RUN_ITERATION: place["run_iteration"] or None,
        names.RECORD_ID: place["record_id"],
    }
    span = Span(
        trace_id=bytes.fromhex(trace_id),
        span_id=bytes.fromhex(span_id),
        parent_span_id=bytes.fromhex(place["span_id"]),
        name=f"evaluator.{evaluator.slug}",
        start_time_unix_nano=now,
        end_time_unix_nano=now,
        attributes=attributes(
            {**ids, names.SPAN_TYPE: names.EVALUATOR, names.EVALUATOR_NAME: evaluator.slug}
        ),
    )
    tags = {names.EVALUATION_TAG_PREFIX + "scorer": scorer, names.EVALUATION_SOURCE: "record"}
    score = LogRecord(
        time_unix_nano=now,
        observed_time_unix_nano=now,
        event_name=names.EVALUATION_RESULT,
        trace_id=span.trace_id,
        span_id=span.span_id,
        attributes=attributes({**ids, **result_attributes(evaluator, verdict), **tags}),
    )
    scope = InstrumentationScope(name="evalspan.api")
    spans = ResourceSpans(scope_spans=[ScopeSpans(scope=scope, spans=[span])])
    call.send(Signal.TRACES, ExportTraceServiceRequest(resource_spans=[spans]))
    logs = ResourceLogs(scope_logs=[ScopeLogs(scope=scope, log_records=[score])])
    call.send(Signal.LOGS, ExportLogsServiceRequest(resource_logs=[logs]))
    identity = _identity({"trace_id": trace_id, "span_id": span_id, "name": evaluator.slug})
    rows = call.store.query(sql("queries/respan_log_scores"), {"trace_id": trace_id, "limit": _MOST})
    return _rendered(next(row for row in rows if _identity(row) == identity))


def _value(evaluator: EvaluatorVersion, body: ScoreBody) -> Json:
    """The value in the field of the evaluator's kind.

    Raises:
        UsageError: it is not there, or another one is.
    """
    field = scoring.FIELD[evaluator.score_value_type]
    given = [name for name in _VALUES if getattr(body, name) is not None]
    if given != [field]:
        said = ", ".join(given) or "none"
        raise UsageError(
            f"A score of {evaluator.slug!r} ({evaluator.score_value_type}) goes in {field}, not in {said}.",
            pointer=f"/{field}",
        )
    choices = body.categorical_value
    if field == "categorical_value" and evaluator.score_value_type == "single_select":
        return choices[0] if isinstance(choices, list) and len(choices) == 1 else choices
    value = getattr(body, field)
    return parsed(value) if field == "json_value" and isinstance(value, str) else value


def _identity(row: Mapping[str, Any]) -> str:
    """A score is told by its trace, its span and its evaluator."""
    name = hashlib.sha256(str(row["name"]).encode()).hexdigest()[:16]
    return f"{row['trace_id']:0>32}{row['span_id']:0>16}{name}"


def _rendered(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {**dict.fromkeys(_VALUES), **scoring.rendered(str(row["name"]), row)}
    return {
        "id": _identity(row),
        "log_id": row["trace_id"],
        "trace_id": row["trace_id"],
        "experiment_id": row["experiment_id"] or None,
        **shown,
    }


_OF_LOG: Final = "/api/logs/{log_id}/scores/"
_ALL: Final = "/api/scores/"
OPERATIONS = (
    Operation("POST", _ALL, create),
    Operation("GET", _ALL, find),
    Operation("GET POST", _ALL + "list/", find),
    Operation("GET", _ALL + "{score_id}/", get),
    Operation("PUT PATCH", _ALL + "{score_id}/", update),
    Operation("DELETE", _ALL + "{score_id}/", delete),
    Operation("POST", _OF_LOG, create),
    Operation("GET", _OF_LOG, find),
    Operation("GET", _OF_LOG + "{score_id}/", get),
    Operation("PUT PATCH", _OF_LOG + "{score_id}/", update),
    Operation("DELETE", _OF_LOG + "{score_id}/", delete),
)
