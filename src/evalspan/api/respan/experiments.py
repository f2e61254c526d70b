"""`/api/v2/experiments/`: create (and run), list, change, run again, cancel, delete.

An experiment that another program ran, with our SDK or over OTLP, is listed and read here as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from starlette.responses import Response

from evalspan.api.respan.call import Call, Operation, answer, nothing
from evalspan.api.respan.experiment_body import CONFIG, ExperimentBody
from evalspan.api.respan.listing import counted, listed
from evalspan.errors import ConflictError, UsageError
from evalspan.experiments import Experiment
from evalspan.experiments.entity import MAX_PAGE
from evalspan.jobs import OVER, Budget, Progress
from evalspan.model import Json

FIELDS: Final = frozenset(
    {
        "id", "name", "description", "dataset", "dataset_id", "dataset_name", "workflow_count", "status",
        "progress", "created_at", "updated_at", "started_at", "completed_at", "tags", "run_status", "runs",
        "error_message", "metadata",
    }
)  # fmt: skip
_DETAIL: Final = (
    "workflow", "workflows", "evaluator_ids", "evaluator_slugs", "evaluator_workflow_ids", "batch_size",
    "concurrency", "enable_tracing",
)  # fmt: skip
# Its own statuses on the left. While outputs are waited for the vendor's clients see it running.
_STATUS: Final = {"waiting": "running", "cancelled": "failed"}
_FOREIGN: Final = {"": "running", "interrupted": "failed"}
_STARTED: Final = frozenset({"running", "waiting", "pending"})


def create(call: Call) -> Response:
    body = call.model(ExperimentBody)
    if not (body.name or body.dataset_id or body.dataset or body.steps()):
        raise UsageError("An experiment needs a name, or a dataset and a workflow.", pointer="/name")
    job = call.jobs.submit(call.catalog, body.job(call.project().project_id))
    return answer(_one(call, job.experiment_id), 201)


def find(call: Call) -> Response:
    found = [{name: item[name] for name in item if name not in _DETAIL} for item in _all(call)]
    return listed(call, found, FIELDS, "-created_at", fold=True)


def summary(call: Call) -> Response:
    return counted(call, _all(call), FIELDS, fold=True)


def get(call: Call) -> Response:
    return answer(_one(call, call.path["experiment_id"]))


def update(call: Call) -> Response:
    """A name and a description at any time but while it runs; the rest before it ran."""
    body = call.model(ExperimentBody)
    experiment = call.catalog.experiments.get(call.path["experiment_id"])
    progress = _progress(call, experiment.experiment_id)
    if progress and progress.status in _STARTED:
        raise ConflictError("The experiment is under way; cancel it, or wait until it is over.")
    whole = body if call.request.method == "PUT" else body.merged(_said(experiment))
    whole.experiment_id = experiment.experiment_id
    if progress and progress.status == "draft":
        call.jobs.change(call.catalog, experiment.experiment_id, whole.job(experiment.project_id))
    else:
        _rename(call, experiment, body)
    return answer(_one(call, experiment.experiment_id))


def delete(call: Call) -> Response:
    experiment_id = call.catalog.experiments.get(call.path["experiment_id"]).experiment_id
    if _progress(call, experiment_id):
        call.jobs.remove(call.catalog, experiment_id)
    call.catalog.experiments.delete([experiment_id])
    return nothing()


def run(call: Call) -> Response:
    """Run a draft, or what is left of an experiment that failed, was cancelled or met its budget."""
    given = call.body.get("budget")
    budget = None if given is None else Budget.model_validate(given)
    job = call.jobs.rerun(call.catalog, call.path["experiment_id"], budget)
    return answer(_one(call, job.experiment_id))


def cancel(call: Call) -> Response:
    call.jobs.cancel(call.catalog, call.path["experiment_id"])
    return get(call)


def _rename(call: Call, experiment: Experiment, body: ExperimentBody) -> None:
    fixed = body.model_dump(exclude_none=True, exclude={"name", "description", "experiment_id"})
    shown = rendered(experiment, None)
    changed = sorted(
        name for name, value in fixed.items() if value not in (_said(experiment).get(name), shown.get(name))
    )
    if changed:
        raise ConflictError(
            f"The experiment has run; only its name and description can change, not {', '.join(changed)}."
        )
    said = {**_said(experiment), **body.model_dump(include={"name", "description"}, exclude_none=True)}
    call.catalog.experiments.update(
        experiment.experiment_id,
        name=body.name or None,
        description=body.description,
        config={**experiment.config, CONFIG: said},
    )


def _all(call: Call) -> list[dict[str, Any]]:
    found: list[Experiment] = []
    cursor = ""
    while True:
        page = call.catalog.experiments.find(cursor=cursor, limit=MAX_PAGE)
        found += page.items
        cursor = page.after
        if not cursor:
            break
    progress = call.jobs.progress(call.catalog, [each.experiment_id for each in found])
    return [rendered(each, progress.get(each.experiment_id)) for each in found]


def _one(call: Call, experiment_id: str) -> dict[str, Any]:
    experiment = call.catalog.experiments.get(experiment_id)
    return rendered(experiment, _progress(call, experiment_id))


def _progress(call: Call, experiment_id: str) -> Progress | None:
    return call.jobs.progress(call.catalog, [experiment_id]).get(experiment_id)


def rendered(experiment: Experiment, progress: Progress | None) -> dict[str, Any]:
    """An experiment as it is answered."""
    said = _said(experiment)
    steps: list[Json] = said.get("workflow") or said.get("workflows") or []
    evaluators: list[str] = said.get("evaluator_ids") or said.get("evaluator_slugs") or []
    return {
        "id": experiment.experiment_id,
        "name": said.get("name") or experiment.experiment_name,
        "description": experiment.description,
        "dataset": experiment.dataset_id or None,
        "dataset_id": experiment.dataset_id or None,
        "dataset_name": experiment.dataset or None,
        "workflow_count": len(steps),
        **_standing(experiment, progress),
        "created_at": experiment.created_at.isoformat(),
        "updated_at": experiment.updated_at.isoformat(),
        "tags": [{"id": tag, "name": tag} for tag in experiment.tags],
        "metadata": experiment.metadata,
        "runs": experiment.run_count,
        "workflow": steps,
        "workflows": steps,
        "evaluator_ids": evaluators,
        "evaluator_slugs": evaluators,
        "evaluator_workflow_ids": [],
        "batch_size": said.get("batch_size", 100),
        "concurrency": said.get("concurrency", 15),
        "enable_tracing": True,
        "run_progress": progress.model_dump(mode="json") if progress else None,
    }


def _standing(experiment: Experiment, progress: Progress | None) -> dict[str, Any]:
    if progress is None:
        status = _FOREIGN.get(experiment.status, experiment.status)
        return {
            "status": status,
            "run_status": experiment.status,
            "progress": 100.0 if status == "completed" else 0.0,
            "started_at": experiment.created_at.isoformat(),
            "completed_at": None,
            "error_message": experiment.error or None,
        }
    return {
        "status": _STATUS.get(progress.status, progress.status),
        "run_status": progress.status,
        "progress": progress.percent,
        "started_at": progress.started_at.isoformat() if progress.started_at else None,
        "completed_at": progress.completed_at.isoformat()
        if progress.completed_at and progress.status in OVER
        else None,
        "error_message": _trouble(progress),
    }


def _trouble(progress: Progress) -> str | None:
    if progress.error:
        return progress.error
    if progress.status == "cancelled":
        return "The experiment was cancelled."
    if progress.failed and progress.status in OVER:
        return f"{progress.failed} of {progress.total} rows failed; their logs say why."
    return None


def _said(experiment: Experiment) -> Mapping[str, Any]:
    """What its creator sent, where it was created here."""
    found: Json = experiment.config.get(CONFIG)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


_ONE: Final = "/api/v2/experiments/{experiment_id}/"
OPERATIONS = (
    Operation("POST", "/api/v2/experiments/", create),
    Operation("GET", "/api/v2/experiments/", find),
    Operation("GET POST", "/api/v2/experiments/list/", find),
    Operation("GET POST", "/api/v2/experiments/summary/", summary),
    Operation("GET", _ONE, get),
    Operation("PUT PATCH", _ONE, update),
    Operation("DELETE", _ONE, delete),
    Operation("POST", _ONE + "runs/", run),
    Operation("POST", _ONE + "cancel/", cancel),
)
