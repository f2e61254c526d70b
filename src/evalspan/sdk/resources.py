"""`evalspan.experiments`: experiments as the service knows them, to list, create, retrieve and update.

A pipeline is a project. The statuses of this style, GENERATING and EVALUATING, stand for `running` and
`completed`: EVALUATING is said when a run has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

from evalspan.errors import NotFoundError, UsageError
from evalspan.model import Json
from evalspan.sdk import lifecycle
from evalspan.sdk.client import Client, Entity
from evalspan.sdk.pipelines import project_id_of
from evalspan.sdk.session import url_of

T = TypeVar("T")

Status = Literal["running", "completed", "failed", "interrupted", "GENERATING", "EVALUATING"]
_STATUSES = {"GENERATING": "running", "EVALUATING": "completed"}


@dataclass(frozen=True)
class StoredExperiment:
    """An experiment as the service has it."""

    id: str
    name: str
    """Unique in the pipeline."""
    experiment: str
    """The name that its author gave, shared by every run."""
    pipeline_id: str
    metadata: dict[str, Json]
    tags: list[str]
    status: str
    """running, completed, failed or interrupted; empty before it ran."""
    created_at: datetime
    updated_at: datetime
    url: str


@dataclass(frozen=True)
class ExperimentList:
    """Experiments, the newest first."""

    data: list[StoredExperiment]

    def __iter__(self) -> Iterator[StoredExperiment]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


class Experiments:
    """The resource. Each method asks the service that `evalspan.init` named."""

    async def list(self, *, pipeline_id: str | UUID | None = None) -> ExperimentList:
        """All experiments, or those of one pipeline."""
        project_id = project_id_of(pipeline_id)

        def find(client: Client) -> list[Entity]:
            if pipeline_id is None:
                return client.find_experiments()
            return client.find_experiments(project_id=project_id or _default(client))

        client, found = await _ask(find)
        return ExperimentList([_stored(client, entity) for entity in found])

    async def create(
        self,
        *,
        pipeline_id: str | UUID | None = None,
        name: str | None = None,
        metadata: Mapping[str, Json] | None = None,
    ) -> StoredExperiment:
        """A new experiment; where its name is taken, it gets one made of it.

        Raises:
            NotFoundError: there is no such pipeline.
        """
        project_id = project_id_of(pipeline_id)
        given = {"name": name or "experiment", "metadata": dict(metadata or {}), "ensure_unique": True}
        client, entity = await _ask(
            lambda client: client.create_experiment({**given, "project_id": project_id or _default(client)})
        )
        return _stored(client, entity)

    async def retrieve(self, id: str) -> StoredExperiment:
        """Raises NotFoundError."""
        if not id:
            raise UsageError(f"id={id!r} is no experiment's id.")
        client, found = await _ask(lambda client: client.find_experiments(id=id))
        if not found:
            raise NotFoundError(f"There is no experiment {id!r}.")
        return _stored(client, found[0])

    async def update(
        self,
        id: str,
        *,
        name: str | None = None,
        metadata: Mapping[str, Json] | None = None,
        status: Status | None = None,
    ) -> StoredExperiment:
        """Changes what is given; metadata is replaced as a whole.

        Raises:
            NotFoundError: there is no such experiment. ConflictError: the name is taken.
        """
        if not id:
            raise UsageError(f"id={id!r} is no experiment's id.")
        stated = None if status is None else _STATUSES.get(status, status)
        given = {"name": name, "metadata": None if metadata is None else dict(metadata), "status": stated}
        changes = {key: value for key, value in given.items() if value is not None}
        client, entity = await _ask(lambda client: client.update_experiment(id, changes))
        return _stored(client, entity)


experiments = Experiments()


async def _ask(question: Callable[[Client], T]) -> tuple[Client, T]:
    """What the service says, asked in a thread: the client blocks."""
    client = lifecycle.start().client
    return client, await asyncio.to_thread(question, client)


def _default(client: Client) -> str:
    return client.project(lifecycle.start().settings.project)


def _stored(client: Client, entity: Entity) -> StoredExperiment:
    given: dict[str, Any] = entity.attributes
    return StoredExperiment(
        id=entity.id,
        name=given["name"],
        experiment=given["experiment"],
        pipeline_id=given["project_id"],
        metadata=given.get("metadata") or {},
        tags=given.get("tags") or [],
        status=given.get("status") or "",
        created_at=datetime.fromisoformat(given["created_at"]),
        updated_at=datetime.fromisoformat(given["updated_at"]),
        url=url_of(client, entity.id),
    )
