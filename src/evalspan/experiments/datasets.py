"""Datasets: a name in a project, under which records are kept in versions (see records.py)."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from evalspan.errors import ConflictError, NotFoundError
from evalspan.experiments.entity import (
    Moment,
    Page,
    before_cursor,
    check_ever,
    encode_cursor,
    first_revision,
    next_revision,
    now,
    page_limit,
    place,
    single_row,
)
from evalspan.experiments.projects import Projects
from evalspan.model import dump
from evalspan.store import Store, sql


class Dataset(BaseModel):
    dataset_id: str
    project_id: str
    name: str
    description: str = ""
    metadata: dict[str, Any] = {}
    current_version: int = 0
    created_at: Moment
    updated_at: Moment
    changes: int = 0
    """How many changes made up its versions."""
    revision: int = 0


class Datasets:
    """Thread-safe, and safe between processes."""

    def __init__(self, store: Store, projects: Projects) -> None:
        self._store = store
        self._projects = projects
        self._lock = threading.Lock()

    def find(
        self,
        *,
        dataset_id: str = "",
        project_id: str = "",
        name: str = "",
        cursor: str = "",
        limit: int = 100,
    ) -> Page[Dataset]:
        """Newest first."""
        parameters = {
            "dataset_id": dataset_id,
            "project_id": project_id,
            "name": name,
            "limit": page_limit(limit) + 1,
            **before_cursor(cursor),
        }
        rows = self._store.query(sql("queries/find_datasets"), parameters)
        found = [Dataset(**{**row, "metadata": json.loads(row["metadata"] or "{}")}) for row in rows]
        last = found[limit - 1] if len(found) > limit else None
        after = encode_cursor(last.created_at.isoformat(), last.dataset_id) if last else ""
        return Page(found[:limit], after)

    def get(self, dataset_id: str) -> Dataset:
        """Raises NotFoundError."""
        found = self.find(dataset_id=dataset_id, limit=1).items
        if not dataset_id or not found:
            raise NotFoundError(f"There is no dataset {dataset_id!r}.")
        return found[0]

    def get_or_create(
        self, project_id: str, name: str, description: str = "", metadata: dict[str, Any] | None = None
    ) -> Dataset:
        """The dataset of that name in the project, made if there is none.

        Raises:
            NotFoundError: no such project.
        """
        with self._lock:
            existing = self.find(project_id=project_id, name=name, limit=1).items
            if existing:
                return existing[0]
            self._projects.get(project_id)
            identity, exists = place(self._store, "dataset", project_id, name)
            if exists:
                return self.get(identity)
            moment = now()
            dataset = Dataset(
                dataset_id=identity,
                project_id=project_id,
                name=name,
                description=description,
                metadata=metadata or {},
                created_at=moment,
                updated_at=moment,
                revision=first_revision(),
            )
            self._write(dataset)
        return self.get(identity)

    def update(
        self,
        dataset_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> Dataset:
        """Change the given fields; the version stays.

        Raises:
            NotFoundError: no such dataset. ConflictError: the new name is taken.
        """
        given = {"name": name, "description": description, "metadata": metadata}
        with self._lock:
            current = self.get(dataset_id)
            if name is not None and name != current.name:
                taken = self.find(project_id=current.project_id, name=name, limit=1).items
                if taken:
                    raise ConflictError(
                        f"There is a dataset {name!r} in this project already.",
                        pointer="/data/attributes/name",
                    )
            changes = {key: value for key, value in given.items() if value is not None}
            changed = current.model_copy(
                update={**changes, "updated_at": now(), "revision": next_revision(current.revision)}
            )
            self._write(changed)
        return changed

    def delete(self, ids: Sequence[str]) -> None:
        """Remove datasets; what is removed already stays removed.

        Raises:
            NotFoundError: one of them never was; then none is removed.
        """
        check_ever(self._store, "dataset", ids)
        self._store.command(sql("queries/delete_datasets"), {"ids": list(ids), "project_ids": []})

    def _write(self, dataset: Dataset) -> None:
        # The version is not written: it follows from the claimed changes.
        row = dataset.model_dump(exclude={"changes"}) | {
            "metadata": dump(dataset.metadata),
            "current_version": 0,
            "deleted": False,
        }
        self._store.insert("datasets_data", single_row(row))
