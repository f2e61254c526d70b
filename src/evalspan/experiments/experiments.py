"""Experiments: what was run, on which data, with which configuration, and how it ended."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from evalspan.errors import ConflictError, NotFoundError
from evalspan.experiments.claims import Claims
from evalspan.experiments.containment import contains
from evalspan.experiments.datasets import Datasets
from evalspan.experiments.entity import (
    Moment,
    Page,
    before_cursor,
    check_ever,
    encode_cursor,
    next_revision,
    now,
    page_limit,
    single_row,
)
from evalspan.experiments.projects import Projects
from evalspan.model import ExperimentStatus, Json, dump
from evalspan.store import Store, sql

_LARGEST_STEP = 20_000
_STRIPES = 16

_CREATION_TIME = 2.0  # how long a name waits for the row of the one who claimed it


class Experiment(BaseModel):
    """`experiment` is the name that its author gave, shared by every run of one pipeline;
    `experiment_name` is unique in the project."""

    experiment_id: str
    project_id: str
    dataset_id: str
    dataset_version: int | None = None
    project: str = ""
    dataset: str = ""
    experiment: str
    experiment_name: str
    description: str = ""
    metadata: dict[str, Any] = {}
    config: dict[str, Any] = {}
    tags: list[str] = []
    run_count: int = 1
    expected_records: int | None = None
    status: str = ""
    error: str = ""
    parent_experiment_id: str = ""
    created_at: Moment
    updated_at: Moment
    revision: int = 0


class NewExperiment(BaseModel):
    """What a caller says of an experiment that is to be created."""

    experiment_id: str = ""
    """Given by the service where empty. With one that is there already nothing is made."""
    project_id: str
    dataset_id: str = ""
    dataset_version: int | None = None
    name: str
    experiment: str = ""
    """The logical name that runs of one pipeline share; the name where empty."""
    description: str = ""
    ensure_unique: bool = True
    metadata: dict[str, Any] = {}
    config: dict[str, Any] = {}
    tags: list[str] = []
    run_count: int = 1
    expected_records: int | None = None
    status: str = ""
    parent_experiment_id: str = ""


class Experiments:
    """Thread-safe."""

    def __init__(self, store: Store, projects: Projects, datasets: Datasets) -> None:
        self._store = store
        self._projects = projects
        self._datasets = datasets
        self._claims = Claims(store)
        self._lock = threading.Lock()
        self._turns = [threading.Lock() for _ in range(_STRIPES)]

    def find(
        self,
        *,
        ids: Sequence[str] = (),
        project_id: str = "",
        dataset_id: str = "",
        experiment: str = "",
        name: str = "",
        parent_ids: Sequence[str] = (),
        metadata: Mapping[str, Json] | None = None,
        deleted: bool = False,
        cursor: str = "",
        limit: int = 100,
    ) -> Page[Experiment]:
        """Newest first.

        Args:
            experiment: the logical name; also finds runs called `<name>-<run id>`.
            name: the unique name.
            metadata: what the metadata must contain, by the rules of PostgreSQL's `@>`.
        """
        parameters = {
            "ids": list(ids),
            "project_id": project_id,
            "dataset_id": dataset_id,
            "experiment": experiment,
            "name": name,
            "parent_ids": list(parent_ids),
            "deleted": deleted,
            **_narrowed(metadata or {}),
        }
        found = self._matching(parameters, dict(metadata or {}), cursor, page_limit(limit) + 1)
        last = found[limit - 1] if len(found) > limit else None
        after = encode_cursor(last.created_at.isoformat(), last.experiment_id) if last else ""
        return Page(found[:limit], after)

    def _matching(
        self, parameters: dict[str, Any], metadata: dict[str, Json], cursor: str, wanted: int
    ) -> list[Experiment]:
        """The first `wanted` experiments; read in growing steps where SQL can only narrow."""
        place = before_cursor(cursor)
        found: list[Experiment] = []
        step = wanted
        while True:
            rows = self._store.query(sql("queries/find_experiments"), {**parameters, **place, "limit": step})
            read = [_experiment(row) for row in rows]
            found += [each for each in read if contains(each.metadata, metadata)]
            if len(found) >= wanted or len(read) < step:
                return found[:wanted]
            place = {"before": read[-1].created_at, "before_id": read[-1].experiment_id}
            step = min(step * 4, _LARGEST_STEP)

    def get(self, experiment_id: str) -> Experiment:
        """Raises NotFoundError."""
        found = self.find(ids=[experiment_id], limit=1).items
        if not found:
            raise NotFoundError(f"There is no experiment {experiment_id!r}.")
        return found[0]

    def create(self, new: NewExperiment) -> Experiment:
        """A new experiment; where its name is taken, one under a name made unique, or (without
        `ensure_unique`) the existing one unmodified.

        Raises:
            NotFoundError: no such project or dataset. ConflictError: its id belongs to a deleted one.
        """
        project = self._projects.get(new.project_id, pointer="/data/attributes/project_id")
        dataset = self._datasets.get(new.dataset_id) if new.dataset_id else None
        identity = new.experiment_id or str(uuid.uuid4())
        with self._lock:
            known = self._stated(new.experiment_id) if new.experiment_id else None
            if known:
                return known
            taken = self._claim_name(new.project_id, new.name, identity)
            if taken and not new.ensure_unique:
                return taken
            moment = now()
            experiment = Experiment(
                **new.model_dump(exclude={"experiment_id", "name", "experiment", "ensure_unique"}),
                experiment_id=identity,
                project=project.name,
                dataset=dataset.name if dataset else "",
                experiment=new.experiment or new.name,
                experiment_name=f"{new.name}-{uuid.uuid4().hex[:8]}" if taken else new.name,
                created_at=moment,
                updated_at=moment,
            )
            self._write(experiment)
        return experiment

    def _stated(self, experiment_id: str) -> Experiment | None:
        """The experiment of an id, unless all that is known of it came with spans.

        Raises:
            ConflictError: it was deleted.
        """
        if self.find(ids=[experiment_id], deleted=True, limit=1).items:
            raise ConflictError(f"The experiment {experiment_id!r} was deleted.")
        found = self.find(ids=[experiment_id], limit=1).items
        return found[0] if found and found[0].revision else None

    def _claim_name(self, project_id: str, name: str, identity: str) -> Experiment | None:
        """Reserve a name; the experiment that bears it, where there is one."""
        subject = json.dumps([project_id, name])
        number = 0
        while True:
            borne = self.find(project_id=project_id, name=name, limit=1).items
            if borne and borne[0].experiment_id != identity:
                return borne[0]
            holder = self._claims.claim("experiment_name", subject, number, identity)
            if holder == identity:
                return None
            # Another is about to write its row, or gave the name up (renamed, deleted, killed).
            borne = self._await_bearer(holder, name)
            if borne:
                return borne
            number += 1

    def _await_bearer(self, experiment_id: str, name: str) -> Experiment | None:
        deadline = time.monotonic() + _CREATION_TIME
        while True:
            if self._store.query(sql("queries/known_experiments"), {"ids": [experiment_id]}):
                found = self.find(ids=[experiment_id], name=name, limit=1).items
                return found[0] if found else None
            if time.monotonic() > deadline:
                return None
            time.sleep(0.02)

    def update(
        self,
        experiment_id: str,
        *,
        name: str | None = None,
        experiment: str | None = None,
        description: str | None = None,
        status: ExperimentStatus | None = None,
        error: str | None = None,
        expected_records: int | None = None,
        metadata: dict[str, Any] | None = None,
        config: dict[str, Any] | None = None,
        tags: list[str] | None = None,
        dataset_id: str | None = None,
        dataset_version: int | None = None,
        run_count: int | None = None,
    ) -> Experiment:
        """Change the given fields.

        Raises:
            NotFoundError: no such experiment or dataset. ConflictError: the new name is taken.
        """
        given = {
            "experiment_name": name,
            "experiment": experiment,
            "description": description,
            "metadata": metadata,
            "config": config,
            "tags": tags,
            "dataset_id": dataset_id,
            "dataset": self._datasets.get(dataset_id).name if dataset_id else None,
            "dataset_version": dataset_version,
            "run_count": run_count,
            "status": status,
            "error": error,
            "expected_records": expected_records,
            "updated_at": now(),
        }
        with self._lock:
            current = self.get(experiment_id)
            if name is not None and name != current.experiment_name:
                self._refuse_taken(current.project_id, name)
            changed = current.model_copy(
                update={key: value for key, value in given.items() if value is not None}
            )
            self._write(changed)
        return changed

    @contextlib.contextmanager
    def changing(self, experiment_id: str) -> Generator[None]:
        """Read, change and write an experiment without another of this process in between."""
        with self._turns[hash(experiment_id) % len(self._turns)]:
            yield

    def delete(self, ids: Sequence[str]) -> None:
        """Remove experiments; what is removed already stays removed. Spans and scores are kept.

        Raises:
            NotFoundError: one of them never was; then none is removed.
        """
        check_ever(self._store, "experiment", ids)
        self._store.command(sql("queries/delete_experiments"), {"ids": list(ids), "project_ids": []})

    def _refuse_taken(self, project_id: str, name: str) -> None:
        if self.find(project_id=project_id, name=name, limit=1).items:
            raise ConflictError(
                f"There is an experiment {name!r} in this project already.", pointer="/data/attributes/name"
            )

    def _write(self, experiment: Experiment) -> None:
        row = experiment.model_dump() | {
            "metadata": dump(experiment.metadata),
            "metadata_map": {
                key: value if isinstance(value, str) else dump(value)
                for key, value in experiment.metadata.items()
            },
            "config": dump(experiment.config),
            "deleted": False,
            "revision": next_revision(experiment.revision),
        }
        self._store.insert("experiments_data", single_row(row))


def _experiment(row: dict[str, Any]) -> Experiment:
    parsed = {name: json.loads(row[name] or "{}") for name in ("metadata", "config")}
    return Experiment(**{**row, **parsed})


def _narrowed(metadata: Mapping[str, Json]) -> dict[str, list[str]]:
    """What `metadata_map` can decide: which keys there are, and which texts top-level keys have."""
    texts = {key: value for key, value in metadata.items() if isinstance(value, str)}
    return {"keys": list(metadata), "text_keys": list(texts), "texts": list(texts.values())}
