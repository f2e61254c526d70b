"""Who made a change: the name of the request's key."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from evalspan.api.scope import grant

ANONYMOUS: Final = "anonymous"


def author(request: Request) -> str:
    """`anonymous` where the service asks for no keys."""
    return grant(request).key or ANONYMOUS
