"""Which role a request needs: by its method and path, so that what nobody thought of needs admin's."""

from __future__ import annotations

import re
from typing import Final

from evalspan.access import Role
from evalspan.api.gentrace import access as gentrace
from evalspan.api.opik import access as opik

OPEN: Final = frozenset({"/healthz", "/readyz"}) | opik.OPEN
_INGEST: Final = frozenset({Role.INGEST})
_READ: Final = frozenset({Role.READ})
_ADMIN: Final = frozenset({Role.ADMIN})
_API: Final = r"(?:/evp_proxy/v2)?/api/(?:v2|unstable)/llm-obs/v1"
# A run reads the data that it runs on, so a key that sends may read datasets too.
_DATASETS: Final = re.compile(rf"{_API}/(?:[^/]+/)?datasets(?:/[^/]+/records)?")
_PROJECT: Final = re.compile(rf"{_API}/projects/[^/]+")
# Respan's clients ask by POST as well, since their filters are a body.
_RESPAN_QUESTION: Final = re.compile(r"/respan/api/.*/(?:list|summary|histogram)/?")
_RESPAN_DATASETS: Final = re.compile(r"/respan/api/datasets(?:/.*)?")


def needed(method: str, path: str) -> frozenset[Role]:
    """The roles that may; one of them is enough, and admin's always is."""
    if path.startswith("/v1/"):
        return _INGEST
    if path == "/sql" and method == "POST":
        return _READ
    if path.startswith(opik.PREFIX):
        return _of_opik(method, path)
    if path.startswith(gentrace.TRACES):
        return _INGEST
    if method in {"GET", "HEAD"} or _asks(method, path):
        datasets = _DATASETS.fullmatch(path) or _RESPAN_DATASETS.fullmatch(path) or gentrace.data(path)
        return _READ | _INGEST if datasets else _READ
    if method not in {"POST", "PUT", "PATCH"} or path.endswith("/delete"):
        return _ADMIN
    # A key's project is known by its name: who could rename it could take another's.
    return _ADMIN if method == "PATCH" and _PROJECT.fullmatch(path) else _INGEST


def reads(method: str, path: str) -> bool:
    """Whether a request asks the store for something, so that it counts against the limits of queries."""
    reading = method in {"GET", "HEAD"} and path not in {"/metrics", "/openapi.json"}
    return reading or path == "/sql" or _asks(method, path)


def of_the_service(path: str) -> bool:
    """Whether the answer is about the whole service, which a key of one project does not see."""
    return path == "/metrics"


def _asks(method: str, path: str) -> bool:
    """Whether it reads although its method is another."""
    if path.startswith(opik.PREFIX):
        return opik.asks(method, path)
    return method == "POST" and _RESPAN_QUESTION.fullmatch(path) is not None


def _of_opik(method: str, path: str) -> frozenset[Role]:
    if opik.asks(method, path):
        return _READ | _INGEST if opik.data(path) else _READ
    return _ADMIN if method == "DELETE" or opik.administers(method, path) else _INGEST
