"""From what a caller asks for to a job that can be run: everything it names is found, and fixed."""

from __future__ import annotations

import uuid
from typing import Any

from evalspan.errors import UsageError
from evalspan.experiments import Catalog, NewExperiment, evaluators, prompts
from evalspan.experiments.evaluator_versions import EvaluatorVersion
from evalspan.experiments.prompt_versions import PromptVersion
from evalspan.jobs import llm, workflow
from evalspan.jobs.job import Budget, Job, NewJob
from evalspan.jobs.providers import Providers
from evalspan.jobs.wire import Usage
from evalspan.jobs.workflow import CompletionStep, PromptStep, Step


def resolve(catalog: Catalog, new: NewJob, providers: Providers) -> Job:
    """The job, without an id where none was given, and not stored.

    Raises:
        NotFoundError: no such project, dataset, evaluator or prompt. UsageError: see Jobs.submit.
    """
    dataset = catalog.datasets.get(new.dataset_id) if new.dataset_id else None
    project = catalog.projects.get(dataset.project_id if dataset else new.project_id)
    workflow.check(list(new.steps))
    found = [_prompt(catalog, step) for step in new.steps]
    chosen = evaluators.resolve(catalog.store, list(dict.fromkeys(new.evaluators))) if new.evaluators else []
    for model in _models(new.steps, found, chosen):
        _check_model(model, providers, in_dollars=new.budget.usd is not None)
    identity = new.experiment_id or str(uuid.uuid4())
    return Job(
        experiment_id=identity,
        project_id=project.project_id,
        project=project.name,
        name=new.name or f"Experiment {identity[:8]}",
        dataset_id=new.dataset_id,
        dataset=dataset.name if dataset else "",
        dataset_version=dataset.current_version if dataset else 0,
        prompts=found,
        evaluators=_once(chosen),
        records=catalog.records.counts([new.dataset_id]).get(new.dataset_id, 0) if dataset else 0,
        **new.model_dump(include={"steps", "runs", "concurrency", "budget", "span_name", "metadata", "tags"}),
    )


def check_budget(job: Job, budget: Budget, providers: Providers) -> None:
    """Raises UsageError where it is in dollars and a model has no price."""
    for model in _models(job.steps, job.prompts, job.evaluators):
        _check_model(model, providers, in_dollars=budget.usd is not None)


def entity(job: Job, new: NewJob) -> NewExperiment:
    """The experiment of a job."""
    return NewExperiment(
        experiment_id=job.experiment_id,
        project_id=job.project_id,
        dataset_id=job.dataset_id,
        dataset_version=job.dataset_version if job.dataset_id else None,
        name=job.name,
        description=new.description,
        metadata=job.metadata,
        config=new.config,
        tags=job.tags,
        run_count=job.runs,
        expected_records=job.records,
    )


def changed(job: Job, new: NewJob) -> dict[str, Any]:
    """What of the experiment changes with a draft, beside its names."""
    found = entity(job, new).model_dump(
        include={
            "dataset_id",
            "dataset_version",
            "metadata",
            "config",
            "tags",
            "run_count",
            "expected_records",
        }
    )
    return {**found, "dataset_id": new.dataset_id or None, "description": new.description or None}


def _prompt(catalog: Catalog, step: Step) -> PromptVersion | None:
    if not isinstance(step, PromptStep):
        return None
    version = prompts.usable_version(catalog.store, step.prompt, step.version)
    if not version.model:
        raise UsageError(
            f"Version {version.version} of prompt {version.prompt_slug!r} names no model.",
            pointer="/workflow",
        )
    if version.load_balance_models:
        raise UsageError(
            f"Version {version.version} of prompt {version.prompt_slug!r} has load_balance_models, which are "
            "not supported: which model answered would be left to chance.",
            pointer="/workflow",
        )
    return version


def _models(
    steps: list[Step], found: list[PromptVersion | None], chosen: list[EvaluatorVersion]
) -> dict[str, None]:
    """Every model that may be asked."""
    asked = [step.model for step in steps if isinstance(step, CompletionStep)]
    for version in found:
        asked += [version.model, *version.fallback_models] if version else []
    asked += [each.llm_config.model for each in chosen if each.type == "llm" and each.llm_config]
    return dict.fromkeys(asked)


def _check_model(model: str, providers: Providers, *, in_dollars: bool) -> None:
    provider, name = providers.of(model)
    _ = provider.key
    if in_dollars and llm.cost(provider, name, "", Usage(1000, 1000)) is None:
        raise UsageError(llm.no_price(name), pointer="/budget")


def _once(chosen: list[EvaluatorVersion]) -> list[EvaluatorVersion]:
    """Each evaluator once; two versions of one would overwrite each other's scores.

    Raises:
        UsageError: there are two.
    """
    found: dict[str, EvaluatorVersion] = {}
    for each in chosen:
        known = found.setdefault(each.slug, each)
        if known.version_id != each.version_id:
            raise UsageError(
                f"The evaluator {each.slug!r} is named in two versions, {known.version} and {each.version}."
            )
    return list(found.values())
