"""Projects: the shelf that datasets and experiments stand on."""

from __future__ import annotations

import threading
from collections.abc import Sequence

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
from evalspan.store import Store, sql


class Project(BaseModel):
    project_id: str
    name: str
    description: str = ""
    created_at: Moment
    updated_at: Moment
    revision: int = 0


class Projects:
    """Thread-safe, and safe between processes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()

    def find(
        self, *, project_id: str = "", name: str = "", cursor: str = "", limit: int = 100
    ) -> Page[Project]:
        """Newest first."""
        parameters = {
            "project_id": project_id,
            "name": name,
            "limit": page_limit(limit) + 1,
            **before_cursor(cursor),
        }
        found = [Project(**row) for row in self._store.query(sql("queries/find_projects"), parameters)]
        last = found[limit - 1] if len(found) > limit else None
        after = encode_cursor(last.created_at.isoformat(), last.project_id) if last else ""
        return Page(found[:limit], after)

    def get(self, project_id: str, pointer: str = "") -> Project:
        """Raises NotFoundError, pointing at the field that named it."""
        found = self.find(project_id=project_id, limit=1).items
        if not project_id or not found:
            raise NotFoundError(f"There is no project {project_id!r}.", pointer=pointer)
        return found[0]

    def get_or_create(self, name: str, description: str = "") -> Project:
        """The project of that name, made if there is none; an existing one is returned as it is."""
        with self._lock:
            existing = self.find(name=name, limit=1).items
            if existing:
                return existing[0]
            identity, exists = place(self._store, "project", name)
            if exists:
                return self.get(identity)
            moment = now()
            project = Project(
                project_id=identity,
                name=name,
                description=description,
                created_at=moment,
                updated_at=moment,
                revision=first_revision(),
            )
            self._write(project)
        return self.get(identity)

    def adopt(self, project_id: str) -> Project:
        """The project of an id that was given elsewhere; where nobody has it, one is made of that name.

        Raises:
            NotFoundError: it was deleted.
        """
        with self._lock:
            for known in (self.find(project_id=project_id, limit=1), self.find(name=project_id, limit=1)):
                if known.items:
                    return known.items[0]
            if self._store.query(sql("queries/known_projects"), {"ids": [project_id]}):
                raise NotFoundError(f"The project {project_id!r} was deleted.")
            moment = now()
            project = Project(
                project_id=project_id,
                name=project_id,
                created_at=moment,
                updated_at=moment,
                revision=first_revision(),
            )
            self._write(project)
        return self.get(project_id)

    def update(self, project_id: str, *, name: str | None = None, description: str | None = None) -> Project:
        """Change the given fields.

        Raises:
            NotFoundError: no such project. ConflictError: the new name is taken.
        """
        given = {"name": name, "description": description}
        with self._lock:
            current = self.get(project_id)
            if name is not None and name != current.name and self.find(name=name, limit=1).items:
                raise ConflictError(f"There is a project {name!r} already.", pointer="/data/attributes/name")
            changes = {key: value for key, value in given.items() if value is not None}
            changed = current.model_copy(
                update={**changes, "updated_at": now(), "revision": next_revision(current.revision)}
            )
            self._write(changed)
        return changed

    def delete(self, ids: Sequence[str]) -> None:
        """Remove projects with their datasets and experiments; a second time is no error.

        Raises:
            NotFoundError: one of them never was; then none is removed.
        """
        check_ever(self._store, "project", ids)
        below = {"ids": [], "project_ids": list(ids)}
        self._store.command(sql("queries/delete_experiments"), below)
        self._store.command(sql("queries/delete_datasets"), below)
        self._store.command(sql("queries/delete_projects"), {"ids": list(ids)})

    def _write(self, project: Project) -> None:
        self._store.insert("projects_data", single_row({**project.model_dump(), "deleted": False}))
