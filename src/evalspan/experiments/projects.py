"""Projects: the shelf that datasets and experiments stand on."""

from __future__ import annotations

import threading

from pydantic import BaseModel

from evalspan.experiments.entity import (
    Moment,
    Page,
    before_cursor,
    encode_cursor,
    named_id,
    next_revision,
    now,
    page_limit,
    single_row,
)
from evalspan.store import Store, sql


class Project(BaseModel):
    project_id: str
    name: str
    description: str = ""
    created_at: Moment
    updated_at: Moment


class Projects:
    """Thread-safe."""

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

    def get_or_create(self, name: str, description: str = "") -> Project:
        """The project of that name, made if there is none; an existing one is returned as it is."""
        with self._lock:
            existing = self.find(name=name, limit=1).items
            if existing:
                return existing[0]
            moment = now()
            project = Project(
                project_id=named_id("project", name),
                name=name,
                description=description,
                created_at=moment,
                updated_at=moment,
            )
            row = {**project.model_dump(), "deleted": False, "revision": next_revision()}
            self._store.insert("projects_data", single_row(row))
            return project
