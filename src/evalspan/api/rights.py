"""Which role a request needs: by its method and path, so that what nobody thought of needs admin's."""

from __future__ import annotations

import re
from typing import Final

from evalspan.access import Role

OPEN: Final = frozenset({"/healthz", "/readyz"})
_INGEST: Final = frozenset({Role.INGEST})
_READ: Final = frozenset({Role.READ})
_ADMIN: Final = frozenset({Role.ADMIN})
_API: Final = r"(?:/evp_proxy/v2)?/api/(?:v2|unstable)/llm-obs/v1"
# A run reads the data that it runs on, so a key that sends may read datasets too.
_DATASETS: Final = re.compile(rf"{_API}/(?:[^/]+/)?datasets(?:/[^/]+/records)?")
_PROJECT: Final = re.compile(rf"{_API}/projects/[^/]+")


def needed(method: str, path: str) -> frozenset[Role]:
    """The roles that may; one of them is enough, and admin's always is."""
    if path.startswith("/v1/"):
        return _INGEST
    if path == "/sql" and method == "POST":
        return _READ
    if method in {"GET", "HEAD"}:
        return _READ | _INGEST if _DATASETS.fullmatch(path) else _READ
    if method not in {"POST", "PUT", "PATCH"} or path.endswith("/delete"):
        return _ADMIN
    # A key's project is known by its name: who could rename it could take another's.
    return _ADMIN if method == "PATCH" and _PROJECT.fullmatch(path) else _INGEST


def reads(method: str, path: str) -> bool:
    """Whether a request asks the store for something, so that it counts against the limits of queries."""
    return (method in {"GET", "HEAD"} and path not in {"/metrics", "/openapi.json"}) or path == "/sql"


def of_the_service(path: str) -> bool:
    """Whether the answer is about the whole service, which a key of one project does not see."""
    return path == "/metrics"
