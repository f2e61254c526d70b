"""A request read item by item, when reading it whole met an error that nobody foresaw.

The item that raises is rejected with a reason and its neighbours are kept: one sender's odd span must
not cost what others sent with it. Where memory ran out nothing is rejected, since that is nobody's fault.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Final

from evalspan.errors import EvalspanError
from evalspan.ingest.batch import Batch
from evalspan.ingest.budget import Overloaded
from evalspan.ingest.signals import PARTS, Parts, Signal

logger = logging.getLogger("evalspan.ingest")

REASON: Final = "the service failed on it, which is a fault of the service; its log says where"
_KNOWN_LIMIT: Final = 1_000

Read = Callable[[Any, Batch], None]
"""Add the items of a request to a batch."""


class Reader:
    """Reads requests; remembers which errors it has logged."""

    def __init__(self) -> None:
        self._logged: set[tuple[str, str, int]] = set()
        self._mutex = threading.Lock()

    def read(self, signal: Signal, request: Any, read: Read) -> Batch:
        """What `read` makes of a request, less the items that it raises on.

        Raises:
            Overloaded: there was not enough memory.
        """
        batch = Batch(PARTS[signal].noun)
        try:
            read(request, batch)
        except EvalspanError:
            raise
        except MemoryError as error:
            raise _no_memory() from error
        except Exception:
            return self._one_by_one(signal, request, read)
        return batch

    def _one_by_one(self, signal: Signal, request: Any, read: Read) -> Batch:
        parts = PARTS[signal]
        whole = Batch(parts.noun)
        for item, single in _singles(parts, request):
            alone = Batch(parts.noun)
            try:
                read(single, alone)
            except EvalspanError:
                raise
            except MemoryError as error:
                raise _no_memory() from error
            except Exception as error:
                self._log(error)
                whole.findings.reject(REASON, f"{_name(item)}: {type(error).__name__}", _count(item))
            else:
                whole.merge(alone)
        return whole

    def _log(self, error: Exception) -> None:
        """With its traceback, once for each place that raises: the same span may come a million times."""
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = (type(error).__name__, last.filename, last.lineno or 0)
        with self._mutex:
            if place in self._logged or len(self._logged) >= _KNOWN_LIMIT:
                return
            self._logged.add(place)
        logger.error("An item could not be read, and is rejected", exc_info=error)


def _count(item: Any) -> int:
    """How many items of the answer's counters it is: each data point of a metric counts."""
    kind = item.WhichOneof("data") if "data" in item.DESCRIPTOR.oneofs_by_name else None
    return max(1, len(getattr(item, kind).data_points)) if kind else 1


def _singles(parts: Parts, request: Any) -> Iterator[tuple[Any, Any]]:
    """Each item, and a request that holds it alone, with its resource and scope."""
    for group in getattr(request, parts.groups):
        for scope_group in getattr(group, parts.scope_groups):
            for item in getattr(scope_group, parts.items):
                single = parts.request()
                one = getattr(single, parts.groups).add(schema_url=group.schema_url)
                one.resource.CopyFrom(group.resource)
                inner = getattr(one, parts.scope_groups).add(schema_url=scope_group.schema_url)
                inner.scope.CopyFrom(scope_group.scope)
                getattr(inner, parts.items).append(item)
                yield item, single


def _name(item: Any) -> str:
    return repr(getattr(item, "name", "") or getattr(item, "event_name", ""))


def _no_memory() -> Overloaded:
    return Overloaded("There was not enough memory to read the request. Send it again in a second.")
