"""Which role a request to Gentrace's face needs. Its updates are POSTs; only a deletion takes admin's.

A run reads the data that it runs on: a key that sends may read pipelines, datasets and test cases.
"""

from __future__ import annotations

import re
from typing import Final

PREFIX: Final = "/gentrace/api"
TRACES: Final = f"{PREFIX}/otel/"
_DATA: Final = re.compile(rf"{PREFIX}/v4/(?:pipelines|datasets|test-cases|organizations)(?:/[^/]+)?")


def data(path: str) -> bool:
    """Whether what is read is what runs are made of, and not their results."""
    return _DATA.fullmatch(path) is not None
