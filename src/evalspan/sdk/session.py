"""An experiment as the service knows it: created or resumed, with the rows that it has already."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Any

from evalspan.errors import NotFoundError, UsageError
from evalspan.model import Json, Record
from evalspan.sdk.client import Client, Entity
from evalspan.sdk.context import Case
from evalspan.sdk.dataset import Dataset
from evalspan.sdk.evaluation import Evaluation
from evalspan.sdk.result import Row

if TYPE_CHECKING:
    from evalspan.sdk.experiment import Experiment

Key = tuple[str, int]
"""A record's id and the run iteration."""


@dataclass(frozen=True)
class Session:
    """The ids of a running experiment."""

    experiment_id: str
    name: str
    project: str
    dataset: Dataset
    url: str
    prior: Mapping[Key, Row] = field(default_factory=dict[Key, Row])
    """What an earlier run of it did."""

    def case(self, run_iteration: int, record_id: str = "") -> Case:
        # The same run id for an iteration whichever process executes its records.
        run_id = uuid.uuid5(uuid.NAMESPACE_OID, f"{self.experiment_id}/{run_iteration}")
        return Case(self.experiment_id, str(run_id), run_iteration, record_id)


def open_session(
    experiment: Experiment, client: Client, project: str, expected: int, resume: str | bool | None
) -> Session:
    """Stores the dataset, then creates the experiment, or finds the one to resume.

    Raises:
        NotFoundError: what to resume does not exist. UsageError: it ran on another dataset.
        ServiceError: the service is not there.
    """
    dataset = experiment.dataset
    if not dataset.id:
        dataset.name = dataset.name or experiment.name
        dataset.push(project)
    project_id = client.project(project)
    entity = _find(client, project_id, experiment.name, resume) if resume else None
    prior: Mapping[Key, Row] = {}
    if entity is None:
        entity = client.create_experiment(_description(experiment, project_id, expected))
    else:
        _check_same_dataset(entity, dataset)
        prior = load_prior(client, entity.id)
    return _running(client, entity, project, dataset, prior)


def open_scope(client: Client, project: str, project_id: str, described: Mapping[str, Json]) -> Session:
    """Creates an experiment whose records are not known yet; of a project by its id, else by its name.

    Raises:
        NotFoundError: there is no such project. ServiceError: the service is not there.
    """
    if project_id:
        project = client.project_name(project_id)
    else:
        project_id = client.project(project)
    given = {**described, "project_id": project_id, "ensure_unique": True}
    return _running(client, client.create_experiment(given), project, Dataset([]), {})


def _running(
    client: Client, entity: Entity, project: str, dataset: Dataset, prior: Mapping[Key, Row]
) -> Session:
    client.update_experiment(entity.id, {"status": "running", "error": ""})
    name = str(entity.attributes["name"])
    return Session(entity.id, name, project, dataset, url_of(client, entity.id), prior)


def url_of(client: Client, experiment_id: str) -> str:
    """Where an experiment can be looked at."""
    return f"{client.endpoint}/experiments/{experiment_id}"


def _description(experiment: Experiment, project_id: str, expected: int) -> dict[str, Any]:
    config: dict[str, Json] = dict(experiment.config)
    if experiment.dataset.tags:
        config["filtered_record_tags"] = experiment.dataset.tags
    return {
        "project_id": project_id,
        "dataset_id": experiment.dataset.id,
        "dataset_version": experiment.dataset.version,
        "name": experiment.name,
        "description": experiment.description,
        "config": config,
        "metadata": dict(experiment.metadata),
        "tags": list(experiment.tags),
        "ensure_unique": True,
        "run_count": experiment.runs,
        "expected_records": expected,
    }


def _find(client: Client, project_id: str, name: str, resume: str | bool) -> Entity | None:
    """The experiment to resume. True: the latest of the name, None if there is none yet."""
    if resume is True:
        # The list also finds runs called `<name>-<run id>`, which are not of this name.
        listed = client.find_experiments(project_id=project_id, experiment=name)
        found = [entity for entity in listed if entity.attributes.get("experiment") == name]
        return max(found, key=lambda entity: str(entity.attributes.get("created_at")), default=None)
    wanted = str(resume)
    found = client.find_experiments(id=wanted) or client.find_experiments(project_id=project_id, name=wanted)
    if not found:
        raise NotFoundError(f"resume={wanted!r}: there is no experiment of that id or unique name.")
    return found[0]


def _check_same_dataset(entity: Entity, dataset: Dataset) -> None:
    ran_on = entity.attributes.get("dataset_id")
    if ran_on and ran_on != dataset.id:
        raise UsageError(
            f"resume: experiment {entity.attributes.get('name')!r} ran on dataset {ran_on}, "
            f"this one is {dataset.name!r} ({dataset.id})."
        )


def load_prior(client: Client, experiment_id: str) -> dict[Key, Row]:
    """The rows that the service has of an experiment, scores included."""
    rows = {
        (found["record_id"], found["run_iteration"]): _row(found)
        for found in client.sql(_sql("prior_rows"), experiment_id=experiment_id)
    }
    for score in client.sql(_sql("prior_scores"), experiment_id=experiment_id):
        row = rows.get((score["record_id"], score["run_iteration"]))
        # A score of an execution that a later one replaced says nothing of this row.
        if row is not None and score["trace_id"] == row.trace_id:
            row.evaluations[score["name"]] = _evaluation(score)
    return rows


def fill(row: Row, record: Record) -> Row:
    """What a loaded row shares with its record."""
    row.input, row.expected_output = record.input, record.expected_output
    return row


def _row(found: dict[str, Any]) -> Row:
    failed = found["status"] == "error"
    return Row(
        record_id=found["record_id"],
        run_iteration=found["run_iteration"],
        output=_json(found["output"]),
        error=(found["error"] or found["error_type"] or "error") if failed else None,
        error_type=found["error_type"] if failed else None,
        trace_id=found["trace_id"],
        span_id=found["span_id"],
        duration_ms=found["duration_ms"],
        resumed=True,
    )


def _evaluation(score: dict[str, Any]) -> Evaluation:
    kind = score["type"]
    value: Json = score["label_value"]
    if score["score_value"] is not None:
        value = bool(score["score_value"]) if kind == "boolean" else score["score_value"]
    if kind == "json":
        value = _json(score["json_value"] or "")
    return Evaluation(
        name=score["name"],
        value=value,
        type=kind,
        reasoning=score["explanation"] or None,
        assessment=score["assessment"] or None,
        error=score["error"] or score["error_type"] or None,
        error_type=score["error_type"] or None,
        tags=score["tags"],
        metadata=score["metadata"],
    )


def _json(text: str) -> Json:
    try:
        return json.loads(text) if text else None
    except json.JSONDecodeError:  # written by another SDK as plain text
        return text


def _sql(name: str) -> str:
    return resources.files("evalspan.sdk").joinpath(f"sql/{name}.sql").read_text("utf-8")
