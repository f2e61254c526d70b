"""The ingest's instruments, as OpenTelemetry names and describes them.

What is a sum or a state is observed: the numbers stand in `stats`, and a callback reads them when
somebody collects. Only what has a distribution is recorded as it happens, once per commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE

from evalspan.ingest.budget import Budget
from evalspan.ingest.signals import PARTS

if TYPE_CHECKING:
    from evalspan.ingest.stats import Counts

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ROWS: Final = (1, 10, 100, 1_000, 10_000, 100_000)

Points = Iterable[Observation]
Read = Callable[["Counts"], Points]


class CommitInstruments:
    """What each commit records."""

    def __init__(self, meter: Meter) -> None:
        self._duration = meter.create_histogram(
            "evalspan.writer.commit.duration",
            "s",
            "Time that the store took for one commit; error.type is set where it failed.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._rows = meter.create_histogram(
            "evalspan.writer.commit.rows",
            "{row}",
            "Rows of one commit that succeeded.",
            explicit_bucket_boundaries_advisory=_ROWS,
        )

    def done(self, seconds: float, rows: int) -> None:
        """A commit that the store took."""
        self._duration.record(seconds)
        self._rows.record(rows)

    def failed(self, seconds: float, error: Exception) -> None:
        """A commit that the store did not take."""
        self._duration.record(seconds, {ERROR_TYPE: type(error).__name__})


_COUNTERS: Final[tuple[tuple[str, str, str, Read], ...]] = (
    (
        "evalspan.receiver.received",
        "{item}",
        "Items in requests that could be read: spans, log records, data points.",
        lambda counts: _items(counts.received),
    ),
    (
        "evalspan.receiver.committed",
        "{item}",
        "Items that the store holds. Resent ones count each time.",
        lambda counts: _items(counts.accepted),
    ),
    (
        "evalspan.receiver.rejected",
        "{item}",
        "Items that were not kept, by reason; the sender was told.",
        lambda counts: _by_two(counts.rejected),
    ),
    (
        "evalspan.receiver.warned",
        "{item}",
        "Items that were kept although something about them was wrong, by what.",
        lambda counts: _by_two(counts.warned),
    ),
    (
        "evalspan.receiver.failed",
        "{item}",
        "Good items that the store did not take; their senders were told so.",
        lambda counts: _items(counts.failed),
    ),
    (
        "evalspan.receiver.failed_requests",
        "{request}",
        "Requests that were answered with an error because the store did not take them.",
        lambda counts: [Observation(counts.failed_requests)],
    ),
    (
        "evalspan.mapping.spans",
        "{span}",
        "Committed spans by dialect; 'none' where no dialect was found.",
        lambda counts: _by("dialect", {name or "none": n for name, n in counts.dialects.items()}),
    ),
    (
        "evalspan.mapping.llm_spans_without_tokens",
        "{span}",
        "Committed LLM spans whose token usage no dialect could map; their columns are NULL.",
        lambda counts: [Observation(counts.tokenless)],
    ),
    (
        "evalspan.writer.rows",
        "{row}",
        "Committed rows by table. Resent ones count each time.",
        lambda counts: _by("table", {name.removesuffix("_data"): n for name, n in counts.rows.items()}),
    ),
)


def observe(meter: Meter, read: Callable[[], Counts], budget: Budget) -> None:
    """Let the meter see the counters and the queue."""
    for name, unit, description, points in _COUNTERS:
        meter.create_observable_counter(name, [_callback(read, points)], unit, description)
    meter.create_observable_counter(
        "evalspan.queue.refusals",
        [lambda _options: [Observation(budget.refusals)]],
        "{request}",
        "Requests that were refused because the queue was full; clients send them again.",
    )
    meter.create_observable_up_down_counter(
        "evalspan.queue.requests",
        [lambda _options: [Observation(read().pending_requests)]],
        "{request}",
        "Requests that wait for their commit.",
    )
    meter.create_observable_up_down_counter(
        "evalspan.queue.size",
        [lambda _options: [Observation(budget.used)]],
        "By",
        "Telemetry in memory that is not yet in the store.",
    )
    meter.create_observable_up_down_counter(
        "evalspan.queue.limit",
        [lambda _options: [Observation(budget.limit)]],
        "By",
        "What the queue may hold: EVALSPAN_MAX_PENDING_BYTES.",
    )


def _callback(read: Callable[[], Counts], points: Read) -> Callable[[CallbackOptions], Points]:
    return lambda _options: points(read())


def _items(counts: Mapping[str, int]) -> Points:
    # Those of which there are none yet are shown as 0: a rate needs the value before the first one.
    return _by("item", {parts.noun: 0 for parts in PARTS.values()} | dict(counts))


def _by(label: str, counts: Mapping[str, int]) -> Points:
    return [Observation(n, {label: name.replace(" ", "_")}) for name, n in counts.items()]


def _by_two(counts: Mapping[tuple[str, str], int]) -> Points:
    return [Observation(n, _labels(noun, reason)) for (noun, reason), n in counts.items()]


def _labels(noun: str, reason: str) -> dict[str, Any]:
    return {"item": noun.replace(" ", "_"), "reason": reason}
