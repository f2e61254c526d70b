"""`/api/datasets/{id}/eval-reports/`: the outputs that a dataset's rows hold, judged.

A report is an experiment that passes each row's output through to the evaluators; each evaluator is one
task of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from pydantic import Field
from starlette.responses import Response

from evalspan.api.envelope import Body
from evalspan.api.respan import scoring
from evalspan.api.respan.call import Call, Operation, answer
from evalspan.api.respan.experiment_body import CONFIG
from evalspan.api.respan.page import envelope, paging
from evalspan.errors import UsageError
from evalspan.experiments import Experiment
from evalspan.experiments.entity import MAX_PAGE
from evalspan.jobs import DuplicateStep, NewJob, Progress

_REPORT: Final = "eval_report"
_PATH: Final = "/api/datasets/{dataset_id}/eval-reports/"


class ReportBody(Body):
    evaluator_ids: list[str] = Field(min_length=1)
    experiment_id: str | None = None


def create(call: Call) -> Response:
    body = call.model(ReportBody)
    if body.experiment_id:
        raise UsageError(
            "Evaluators cannot be added to an experiment that was made; name them in its evaluator_ids, "
            "or leave experiment_id out to judge the rows' own outputs.",
            pointer="/experiment_id",
        )
    dataset = call.catalog.datasets.get(call.path["dataset_id"])
    said = {"workflow": [{"type": "duplicate"}], "evaluator_ids": body.evaluator_ids, _REPORT: True}
    job = call.jobs.submit(
        call.catalog,
        NewJob(
            project_id=dataset.project_id,
            name=f"Evaluation of {dataset.name}",
            dataset_id=dataset.dataset_id,
            steps=[DuplicateStep()],
            evaluators=body.evaluator_ids,
            config={CONFIG: said},
        ),
    )
    experiment = call.catalog.experiments.get(job.experiment_id)
    return answer(
        {
            "created_tasks": _tasks(call, [experiment]),
            "errors": {},
            "experiment_updated": False,
            "experiment_evaluator_ids": [],
        }
    )


def find(call: Call) -> Response:
    dataset = call.catalog.datasets.get(call.path["dataset_id"])
    page = paging(call)
    found = call.catalog.experiments.find(dataset_id=dataset.dataset_id, limit=MAX_PAGE).items
    tasks = _tasks(call, [each for each in found if _said(each).get(_REPORT)])
    return envelope(call, page.of(tasks), len(tasks), page)


def _tasks(call: Call, experiments: list[Experiment]) -> list[dict[str, Any]]:
    progress = call.jobs.progress(call.catalog, [each.experiment_id for each in experiments])
    return [
        task
        for each in experiments
        if each.experiment_id in progress
        for task in _of(call, each, progress[each.experiment_id])
    ]


def _of(call: Call, experiment: Experiment, progress: Progress) -> list[dict[str, Any]]:
    scores = scoring.read(call.store, experiment.experiment_id)
    figures = scoring.summaries(scores.values())
    job = call.jobs.get(call.catalog, experiment.experiment_id)
    return [
        {
            "task_id": f"{experiment.experiment_id}:{evaluator.slug}",
            "experiment_id": experiment.experiment_id,
            "name": experiment.experiment_name,
            "dataset_id": experiment.dataset_id,
            "evaluator_slug": evaluator.slug,
            "status": progress.status,
            "started_at": progress.started_at.isoformat() if progress.started_at else None,
            "completed_at": progress.completed_at.isoformat() if progress.completed_at else None,
            "error_message": progress.error or None,
            "evaluated_logs_count": sum(1 for each in scores.values() if evaluator.slug in each),
            "score": figures.get(evaluator.slug, {}).get("avg_score"),
        }
        for evaluator in job.evaluators
    ]


def _said(experiment: Experiment) -> Mapping[str, Any]:
    found = experiment.config.get(CONFIG)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


OPERATIONS = (
    Operation("POST", _PATH + "create/", create),
    Operation("GET POST", _PATH + "list/", find),
)
