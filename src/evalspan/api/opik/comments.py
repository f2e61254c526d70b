"""Comments of people on experiments: documents, the oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation
from evalspan.api.opik.author import author
from evalspan.api.opik.experiment import Comment
from evalspan.api.opik.ids import new
from evalspan.api.opik.projects import Ids
from evalspan.api.opik.wire import Body, answer, nothing, read
from evalspan.api.scope import catalog
from evalspan.errors import NotFoundError
from evalspan.experiments import documents
from evalspan.experiments.documents import Document
from evalspan.store import Store

_KIND: Final = "opik_comment"


class CommentBody(Body):
    text: Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"\S")]


def of(store: Store, experiment_ids: Sequence[str]) -> dict[str, list[Comment]]:
    """The comments on each experiment."""
    found: dict[str, list[Comment]] = {}
    wanted = set(experiment_ids)
    parent = experiment_ids[0] if len(experiment_ids) == 1 else None
    for each in documents.find(store, _KIND, parent=parent):
        if each.parent in wanted:
            found.setdefault(each.parent, []).append(_comment(each))
    return found


async def add(request: Request) -> Response:
    body = await read(request, CommentBody)
    made = await run_in_threadpool(_add, request, body)
    return nothing(201, location=f"{request.url}/{made.id}")


def _add(request: Request, body: CommentBody) -> Document:
    experiment = catalog(request).experiments.get(request.path_params["id"])
    by = author(request)
    said = {"text": body.text, "created_by": by, "last_updated_by": by}
    return documents.create(
        catalog(request).store, _KIND, new(), said,
        parent=experiment.experiment_id, project_id=experiment.project_id,
    )  # fmt: skip


def get(request: Request) -> Response:
    found = documents.get(
        catalog(request).store, _KIND, request.path_params["comment_id"], request.path_params["id"]
    )
    return answer(_comment(found).model_dump(mode="json"))


async def edit(request: Request) -> Response:
    body = await read(request, CommentBody)
    await run_in_threadpool(_edit, request, body)
    return nothing()


def _edit(request: Request, body: CommentBody) -> None:
    store = catalog(request).store
    found = _known(store, [request.path_params["comment_id"]])[0]
    said = {**found.body, "text": body.text, "last_updated_by": author(request)}
    documents.put(store, found.model_copy(update={"body": said}))


async def delete(request: Request) -> Response:
    body = await read(request, Ids)
    await run_in_threadpool(_delete, request, body.ids)
    return nothing()


def _delete(request: Request, ids: Sequence[str]) -> None:
    store = catalog(request).store
    for each in _known(store, ids):
        documents.remove(store, _KIND, each.id, each.parent)


def _known(store: Store, ids: Sequence[str]) -> list[Document]:
    """Raises NotFoundError for one that is not there."""
    found = documents.find(store, _KIND, ids=ids)
    missing = [each for each in ids if each not in {document.id for document in found}]
    if missing:
        raise NotFoundError(f"There is no comment {missing[0]!r}.")
    return found


def _comment(document: Document) -> Comment:
    times = {"created_at": document.created_at, "last_updated_at": document.updated_at}
    return Comment(id=document.id, **times, **document.body)


BASE: Final = "/v1/private/experiments"
OPERATIONS = (
    Operation("POST", f"{BASE}/comments/delete", "Delete comments.", delete, body=Ids, status=204),
    Operation(
        "PATCH", BASE + "/comments/{comment_id}", "Edit a comment.", edit, body=CommentBody, status=204
    ),
    Operation("POST", BASE + "/{id}/comments", "Comment an experiment.", add, body=CommentBody, status=201),
    Operation("GET", BASE + "/{id}/comments/{comment_id}", "One comment.", get, answer=Comment),
)
