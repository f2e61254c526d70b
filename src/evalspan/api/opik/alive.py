"""Whether the service is there. An answer other than 200 to the ping makes the client keep all that it
was to send, and say nothing of it."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation
from evalspan.api.opik.wire import answer

_VERSION: Final = "2.2.122"  # whose calls are answered here; from 2.2.8 on clients upload in parallel
_WORKSPACE: Final = "default"


class Alive(BaseModel):
    message: str = "Healthy Server"
    healthy: bool = True


class Version(BaseModel):
    version: str = _VERSION


class Workspace(BaseModel):
    workspace_name: str = _WORKSPACE


def ping(_request: Request) -> Response:
    return answer(Alive().model_dump())


def version(_request: Request) -> Response:
    return answer(Version().model_dump())


def workspace(_request: Request) -> Response:
    return answer(Workspace().model_dump())


def allowed(_request: Request) -> Response:
    """The door has looked at the key."""
    return Response(status_code=204)


OPERATIONS = (
    Operation("GET", "/is-alive/ping", "Whether it answers.", ping, answer=Alive),
    Operation("GET", "/is-alive/ver", "Which version of Opik it answers as.", version, answer=Version),
    Operation(
        "GET", "/v1/private/auth/workspace", "The one workspace that there is.", workspace, answer=Workspace
    ),
    Operation("POST", "/v1/private/auth", "Whether the key is valid.", allowed, status=204),
)
