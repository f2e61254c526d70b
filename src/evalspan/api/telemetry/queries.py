"""How long people's queries take, to the last row sent, and how many end otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from opentelemetry.metrics import Meter
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE

from evalspan.ingest import SECONDS


class Queries:
    """The instrument of `/sql`."""

    def __init__(self, meter: Meter) -> None:
        self._durations = meter.create_histogram(
            "evalspan.query.duration",
            "s",
            "Time of one query on /sql; error.type is set where it was refused, failed or was left.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )

    def measured(self, read: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
        """What `read` returns; the query counts when that is exhausted, or has ended otherwise."""
        began = time.perf_counter()
        try:
            chunks = read()
        except Exception as error:
            self._count(began, type(error).__name__)
            raise
        return self._watched(chunks, began)

    def _watched(self, chunks: Iterator[bytes], began: float) -> Iterator[bytes]:
        ending = "gone"  # whoever asked went away before the end
        try:
            yield from chunks
            ending = ""
        except Exception as error:
            ending = type(error).__name__
            raise
        finally:
            self._count(began, ending)

    def _count(self, began: float, ending: str) -> None:
        self._durations.record(time.perf_counter() - began, {ERROR_TYPE: ending} if ending else {})
