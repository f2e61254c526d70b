"""`/experiments/{id}/search` and `/experiments/{a}/compare/{b}`: what is asked of results."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from evalspan.analysis.compare import Choice, compare_experiments
from evalspan.analysis.comparison import Comparison
from evalspan.analysis.fields import Level
from evalspan.analysis.search import search
from evalspan.analysis.syntax import QueryError
from evalspan.api.envelope import Many, One, boolean, integer, limit, many, one, resource
from evalspan.api.operation import PAGE, Operation, flag, number, text, texts
from evalspan.api.scope import catalog
from evalspan.errors import UsageError

_KINDS = {Level.RUN: "experiment_runs", Level.RECORD: "experiment_records"}
_MOST_RUNS = 2**32 - 1


class Found(BaseModel):
    """A run, or a record over its runs; the other columns are those of the view."""

    model_config = ConfigDict(extra="allow")

    record_id: str
    scores: dict[str, float | None]
    labels: dict[str, str | None]
    metadata: dict[str, str]
    tags: list[str]


def find(request: Request) -> Response:
    experiment = catalog(request).experiments.get(request.path_params["experiment_id"])
    try:
        level, page = search(
            catalog(request).store,
            experiment.experiment_id,
            request.query_params.get("query", ""),
            limit=limit(request, 100),
            cursor=request.query_params.get("page[cursor]", ""),
            texts=boolean(request, "texts", False),
        )
    except QueryError as error:
        return _refusal(error)
    return many((_resource(level, row) for row in page.items), page.after)


def compare(request: Request) -> Response:
    sides = [
        Choice(catalog(request).experiments.get(request.path_params[side]), _run(request, f"run_{side}"))
        for side in ("a", "b")
    ]
    found = compare_experiments(
        catalog(request).store,
        *sides,
        lower_is_better=request.query_params.getlist("lower_is_better"),
        texts=boolean(request, "texts", False),
    )
    if not boolean(request, "rows", True):
        found = found.model_copy(update={"rows": []})
    identity = f"{found.a.experiment_id}:{found.b.experiment_id}"
    return one(resource("experiment_comparisons", identity, found.model_dump()))


def _run(request: Request, name: str) -> int | None:
    run = integer(request, name)
    if run is not None and not 1 <= run <= _MOST_RUNS:
        raise UsageError(f"{name}={run} is no run iteration; they count from 1.", pointer=f"/{name}")
    return run


def _resource(level: Level, row: dict[str, Any]) -> dict[str, Any]:
    identity = row["record_id"] + (f":{row['run_iteration']}" if level is Level.RUN else "")
    attributes = {
        name: value.replace(tzinfo=UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }
    return resource(_KINDS[level], identity, attributes)


def _refusal(error: QueryError) -> Response:
    """The usual shape, with the place in the query."""
    refusal = {
        "status": str(error.status),
        "title": "Bad Request",
        "detail": str(error),
        "source": {"pointer": error.pointer},
        "meta": {"position": error.position},
    }
    return JSONResponse({"errors": [refusal]}, error.status)


OPERATIONS = (
    Operation(
        "GET", "/experiments/{experiment_id}/search", "Find runs, or records over their runs.", find,
        (text("query", "See docs/search.md."), flag("texts", "With input and outputs."), *PAGE),
        answer=Many[Found], refusals=(400, 404),
    ),
    Operation(
        "GET", "/experiments/{a}/compare/{b}", "Compare two experiments record by record.", compare,
        (
            number("run_a", "A run of the first; without it all of them.", minimum=1, maximum=_MOST_RUNS),
            number("run_b", "The same of the second.", minimum=1, maximum=_MOST_RUNS),
            texts("lower_is_better", "Evaluators of which less is better."),
            flag("texts", "With inputs, and with the outputs of single runs."),
            flag("rows", "False: without the records."),
        ),
        answer=One[Comparison], refusals=(400, 404),
    ),
)  # fmt: skip
