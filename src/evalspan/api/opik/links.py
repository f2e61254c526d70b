"""Where the links lead that Opik's clients print: to our page of the experiment, or to the list."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from evalspan.api.envelope import blocking
from evalspan.api.operation import Operation
from evalspan.api.opik.experiments import as_list
from evalspan.api.scope import catalog
from evalspan.store import sql

_ALL: Final = "/experiments"


def compared(request: Request) -> Response:
    """The first of the experiments that the link names."""
    named = as_list(request.query_params.get("experiments"), "experiments")
    return _to(named[0] if named else "")


def of_experiment(request: Request) -> Response:
    return _to(request.query_params.get("experiment_id", ""))


def of_trace(request: Request) -> Response:
    """The experiment of the trace, where it is of one."""
    given = {"trace_id": request.query_params.get("trace_id", "").replace("-", "").lower()}
    found = catalog(request).store.query(sql("queries/experiment_of_trace"), given)
    return _to(str(found[0]["experiment_id"]) if found else "")


def everything(_request: Request) -> Response:
    return _to("")


def _to(experiment_id: str) -> Response:
    """Ids are checked by the page; what is no id must not become another address."""
    plain = experiment_id.replace("-", "").isalnum()
    return RedirectResponse(f"{_ALL}/{experiment_id}" if plain else _ALL, 302)


PAGES: Final[list[BaseRoute]] = [
    Route("/{workspace}/experiments/{dataset_id}/compare", blocking(compared), methods=["GET"]),
    Route("/{workspace}/projects/{rest:path}", blocking(everything), methods=["GET"]),
    Route("/{workspace}/redirect/projects", blocking(everything), methods=["GET"]),
]
"""Below the clients' base address less its `/api`."""
OPERATIONS = tuple(
    Operation("GET", f"/v1/session/redirect/{what}{end}", f"The page of {what}.", endpoint, status=302)
    for what, endpoint in (("projects", of_trace), ("experiments", of_experiment), ("datasets", everything))
    for end in ("", "/")
)
