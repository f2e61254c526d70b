"""Which role a request to Opik's face needs. Its clients ask by POST as well.

A run reads the data that it runs on: a key that sends may read projects, datasets and prompts. What came
out of runs takes a key that reads.
"""

from __future__ import annotations

import re
from typing import Final

PREFIX: Final = "/opik/api"
OPEN: Final = frozenset({f"{PREFIX}/is-alive/ping", f"{PREFIX}/is-alive/ver"})
_QUESTION: Final = re.compile(
    rf"{PREFIX}/v1/private/.*/(?:retrieve|retrieve-by-commits|retrieve-by-ids|stream|search)"
)
_RESULTS: Final = re.compile(rf"{PREFIX}/v1/private/datasets/[^/]+/items/experiments/.*")
_DATA: Final = re.compile(
    rf"{PREFIX}/v1/private/(?:(?:datasets|projects|prompts)(?:/.*)?|auth(?:/workspace)?)"
)
_REMOVAL: Final = re.compile(rf"{PREFIX}/.*/delete(?:-batch)?")
_PROJECT: Final = re.compile(rf"{PREFIX}/v1/private/projects/[^/]+")


def asks(method: str, path: str) -> bool:
    """Whether a request only reads."""
    return method in {"GET", "HEAD"} or (method == "POST" and _QUESTION.fullmatch(path) is not None)


def data(path: str) -> bool:
    """Whether what is read is what runs are made of, and not their results."""
    return _DATA.fullmatch(path) is not None and _RESULTS.fullmatch(path) is None


def administers(method: str, path: str) -> bool:
    """Whether a request removes something, or gives a project another name."""
    renames = method == "PATCH" and _PROJECT.fullmatch(path) is not None
    return method == "DELETE" or renames or _REMOVAL.fullmatch(path) is not None
