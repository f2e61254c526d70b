"""What is kept for how long, and its deletion.

An experiment goes as a whole, when nothing came in for it for as many days as it is to be kept: rows
that expired one by one would change its means before it is gone. With it go the spans, scores and logs
of its traces. What belongs to no experiment goes by the trace, by the rule for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from evalspan.attributes import RETENTION_DAYS
from evalspan.errors import UsageError
from evalspan.store.schema import sql
from evalspan.store.store import Store

_BATCH: Final = 500  # ids in one statement
_MOST_DAYS: Final = 36_500


@dataclass(frozen=True)
class Policy:
    """Days to keep; 0 is for ever. The metadata of an experiment wins over its project, that over all."""

    days: int = 0
    projects: Mapping[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def parse(cls, days: int, projects: str) -> Policy:
        """`projects` is NAME=DAYS, comma-separated.

        Raises:
            UsageError: it is not.
        """
        pairs = [text.rpartition("=") for text in projects.split(",") if text.strip()]
        for name, _, number in pairs:
            if not name.strip() or not number.strip().isdecimal() or int(number) > _MOST_DAYS:
                raise UsageError(
                    f"EVALSPAN_RETENTION_PROJECTS={projects!r} is not NAME=DAYS, comma-separated, "
                    f"with 0 to {_MOST_DAYS} days."
                )
        return cls(days, {name.strip(): int(number) for name, _, number in pairs})


@dataclass(frozen=True)
class Expired:
    experiment_id: str
    project: str
    experiment: str
    last_received: datetime
    days: int


def expired(store: Store, policy: Policy, now: datetime | None = None) -> list[Expired]:
    """The experiments that are to go, the oldest first."""
    parameters = {
        "key": RETENTION_DAYS,
        "projects": list(policy.projects),
        "project_days": list(policy.projects.values()),
        "days": policy.days,
        "now": now or datetime.now(UTC),
    }
    return [
        Expired(
            row["experiment_id"], row["project"], row["experiment"], row["last_received"], row["kept_days"]
        )
        for row in store.query(sql("queries/expired_experiments"), parameters)
    ]


# What the service kept of an experiment that it ran itself: inputs and outputs among it.
_JOB_DOCUMENTS: Final = (
    "startsWith(kind, 'job') AND (parent IN {ids:Array(String)} OR parent = '' AND id IN {ids:Array(String)})"
)


def sweep(store: Store, policy: Policy, now: datetime | None = None) -> list[Expired]:
    """Delete what has expired; the experiments that went. Cut short, the next one finishes it."""
    moment = now or datetime.now(UTC)
    found = expired(store, policy, moment)
    for ids in _batches([each.experiment_id for each in found]):
        _delete_experiments(store, ids)
    if policy.days:
        _delete_loose(store, moment - timedelta(days=policy.days))
    return found


def _delete_experiments(store: Store, ids: Sequence[str]) -> None:
    named = {"ids": list(ids)}
    store.command(sql("queries/hide_experiments"), named)
    for traces in _batches([row["trace_id"] for row in store.query(sql("queries/traces_of"), named)]):
        _delete_traces(store, traces)
    # The spans last: they tell which traces there are.
    for table in ("evaluations_data", "spans_data"):
        store.erase(table, "experiment_id IN {ids:Array(String)}", named)
    store.erase("documents_data", _JOB_DOCUMENTS, named)


def _delete_loose(store: Store, since: datetime) -> None:
    """What belongs to no experiment."""
    while True:
        parameters = {"since": since, "limit": _BATCH}
        traces = [row["trace_id"] for row in store.query(sql("queries/expired_traces"), parameters)]
        if not traces:
            break
        _delete_traces(store, traces)
    old = "received_at < {since:DateTime64(6, 'UTC')}"
    store.erase("evaluations_data", f"experiment_id = '' AND trace_id = '' AND {old}", {"since": since})
    store.erase("logs_data", f"trace_id = '' AND {old}", {"since": since})
    store.erase("metric_points_data", old, {"since": since})


def _delete_traces(store: Store, traces: Sequence[str]) -> None:
    """The rows of these traces that name no experiment themselves."""
    named = {"ids": list(traces)}
    store.erase("logs_data", "trace_id IN {ids:Array(String)}", named)
    for table in ("evaluations_data", "spans_data"):
        store.erase(table, "experiment_id = '' AND trace_id IN {ids:Array(String)}", named)


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
