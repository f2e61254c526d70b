"""`/api/evaluators/`: the registry, its drafts and commits, and a trial run."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, Final

from starlette.responses import Response

from evalspan import judges
from evalspan.api.envelope import Body
from evalspan.api.respan.call import Call, Operation, answer, nothing
from evalspan.api.respan.listing import counted, listed
from evalspan.api.respan.scoring import FIELD
from evalspan.api.respan.values import text
from evalspan.errors import NotFoundError
from evalspan.experiments.evaluator_versions import EvaluatorContent, EvaluatorVersion
from evalspan.experiments.evaluators import Evaluators
from evalspan.judges import Case, Verdict
from evalspan.model import Json, dump

FIELDS: Final = frozenset(
    {"id", "version_id", "version", "is_read_only", "name", "evaluator_slug", "type", "score_value_type",
     "eval_class", "description", "starred", "created_at", "updated_at", "tags", "is_public"}
)  # fmt: skip


class Inputs(Body):
    input: Json = None
    output: Json = None
    expected_output: Json = None
    metrics: dict[str, Json] | None = None
    metadata: dict[str, Json] | None = None
    llm_input: str | None = None
    llm_output: str | None = None


class RunBody(Body):
    inputs: Inputs = Inputs()
    evaluator_id: str | None = None
    generation_method: str | None = None


def create(call: Call) -> Response:
    slug = str(call.body.get("evaluator_slug") or call.body.get("slug") or "")
    made = Evaluators(call.store).create(call.project().project_id, call.body, slug=slug)
    return answer(rendered(made), 201)


def find(call: Call) -> Response:
    found = [rendered(each) for each in Evaluators(call.store).find()]
    return listed(call, found, FIELDS, "-created_at")


def summary(call: Call) -> Response:
    return counted(call, [rendered(each) for each in Evaluators(call.store).find()], FIELDS)


def get(call: Call) -> Response:
    return answer(rendered(Evaluators(call.store).get(call.path["evaluator_id"])))


def edit(call: Call) -> Response:
    whole = call.request.method == "PUT"
    return answer(rendered(Evaluators(call.store).edit(call.path["evaluator_id"], call.body, whole=whole)))


def delete(call: Call) -> Response:
    Evaluators(call.store).remove(call.path["evaluator_id"])
    return nothing()


def versions(call: Call) -> Response:
    found = [rendered(each) for each in Evaluators(call.store).versions(call.path["evaluator_id"])]
    return listed(call, found, FIELDS, "-version")


def commit(call: Call) -> Response:
    """What is sent beside the note is changed in the next draft, not in what is committed."""
    note = str(call.body.get("version_description") or "")
    made = Evaluators(call.store).commit(call.path["evaluator_id"], note, call.body)
    return answer(rendered(made), 201)


def version(call: Call) -> Response:
    return answer(rendered(Evaluators(call.store).get(f"{call.path['evaluator_id']}:{_number(call)}")))


def edit_version(call: Call) -> Response:
    whole = call.request.method == "PUT"
    edited = Evaluators(call.store).edit(
        call.path["evaluator_id"], call.body, number=int(_number(call)), whole=whole
    )
    return answer(rendered(edited))


def run(call: Call) -> Response:
    """A trial: nothing of it is recorded but the call of the model."""
    body = call.model(RunBody)
    evaluator = Evaluators(call.store).usable(body.evaluator_id or call.path["evaluator_id"])
    given = body.inputs
    case = Case(
        input=given.llm_input if given.input is None else given.input,
        output=given.llm_output if given.output is None else given.output,
        expected_output=given.expected_output,
        metadata=given.metadata or {},
        metrics=given.metrics or {},
    )
    wanted = {"llm": "llm", "code": "code"}.get(body.generation_method or "")
    if wanted and evaluator.type != wanted and getattr(evaluator, f"{wanted}_config") is not None:
        evaluator = evaluator.model_copy(update={"type": wanted})

    async def ask(model: str, messages: list[dict[str, Json]], **parameters: Json) -> judges.Answer:
        return await call.request.app.state.jobs.ask(model, messages, **parameters)

    limits = judges.code_limits(call.settings)
    verdict = call.wait(judges.judge(evaluator, case, ask, code=limits))
    return answer(_result(evaluator, verdict, given))


def _result(evaluator: EvaluatorVersion, verdict: Verdict, inputs: Inputs) -> dict[str, Any]:
    return {
        "id": uuid.uuid4().hex,
        "created_at": datetime.now(UTC).isoformat(),
        "type": evaluator.type,
        "environment": None,
        **dict.fromkeys(FIELD.values()),
        **value_fields(evaluator, verdict),
        "primary_score": verdict.primary_score,
        "is_passed": verdict.passed,
        "explanation": verdict.explanation or None,
        "cost": verdict.cost_usd,
        "evaluator_id": evaluator.evaluator_id,
        "evaluator_slug": evaluator.slug,
        "evaluator_version": evaluator.label,
        "scorer": None,
        "log_id": None,
        "dataset_id": None,
        "status": "error" if verdict.error else "success",
        "error_message": verdict.error or None,
        "inputs": inputs.model_dump(exclude_none=True),
        "evaluator": rendered(evaluator),
    }


def value_fields(evaluator: EvaluatorContent, verdict: Verdict) -> dict[str, Json]:
    """The value in the field of its kind."""
    field, value = FIELD[evaluator.score_value_type], verdict.value
    if value is not None and field == "json_value":
        return {field: dump(value)}
    if field == "categorical_value":
        return {field: value if isinstance(value, list) else [] if value is None else [value]}
    return {field: text(value) if field == "string_value" else value}


def _number(call: Call) -> str:
    given = call.path["version"]
    if not given.isdecimal() or len(given) > 9:
        raise NotFoundError(f"There is no version {given!r}: versions are numbers.")
    return str(int(given))


def rendered(version: EvaluatorVersion) -> dict[str, Any]:
    """A version as it is answered."""
    content = EvaluatorContent.model_dump(
        version, mode="json", include=set(EvaluatorContent.model_fields), exclude_none=True
    )
    choices = [
        {"name": choice.name, "value": choice.name if choice.value is None else choice.value}
        for choice in version.score_config.choices
    ]
    return {
        "llm_config": None,
        "code_config": None,
        "rule_config": None,
        **content,
        "score_config": {**content["score_config"], "choices": choices},
        "categorical_choices": choices,
        "id": version.evaluator_id,
        "evaluator_slug": version.slug,
        "version_id": version.version_id,
        "version": version.version,
        "is_read_only": version.is_read_only,
        "version_description": version.version_description,
        "eval_class": version.eval_class or None,
        "created_at": version.created_at.isoformat(),
        "updated_at": version.updated_at.isoformat(),
        "created_by": None,
        "updated_by": None,
        "editor": None,
        "tags": [],
        "is_public": False,
    }


OPERATIONS = (
    Operation("POST", "/api/evaluators/", create),
    Operation("GET", "/api/evaluators/", find),
    Operation("GET POST", "/api/evaluators/list/", find),
    Operation("GET POST", "/api/evaluators/summary/", summary),
    Operation("GET", "/api/evaluators/{evaluator_id}/", get),
    Operation("PATCH PUT", "/api/evaluators/{evaluator_id}/", edit),
    Operation("DELETE", "/api/evaluators/{evaluator_id}/", delete),
    Operation("POST", "/api/evaluators/{evaluator_id}/run/", run),
    Operation("GET", "/api/evaluators/{evaluator_id}/versions/", versions),
    Operation("POST", "/api/evaluators/{evaluator_id}/versions/", commit),
    Operation("GET", "/api/evaluators/{evaluator_id}/versions/{version}/", version),
    Operation("PATCH PUT", "/api/evaluators/{evaluator_id}/versions/{version}/", edit_version),
)
