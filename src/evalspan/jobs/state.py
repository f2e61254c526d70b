"""What is kept of a job, as documents: its definition, what is asked, how it stands, and its items.

Each document has one writer: `job`, `job_ask` and `job_submitted` the callers, `job_state` whoever holds
the lease, and an item its caller while it waits, else the lease's holder. So none overwrites another.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, cast

from pydantic import BaseModel

from evalspan.errors import NotFoundError
from evalspan.experiments import documents
from evalspan.experiments.documents import Document
from evalspan.experiments.entity import Moment, next_revision, now
from evalspan.jobs.job import Budget, Job, Status
from evalspan.store import Store, sql

JOB: Final = "job"
ASK: Final = "job_ask"
SUBMITTED: Final = "job_submitted"
STATE: Final = "job_state"
ITEM: Final = "job_item"
LEASE: Final = "job_lease"
_KINDS: Final = (JOB, ASK, SUBMITTED, STATE, LEASE)
Asked = Literal["draft", "run", "cancel"]


class State(BaseModel):
    """How a job stands, as the holder of its lease says."""

    status: Status = "pending"
    error: str = ""
    finished: int = 0
    """The turn that was seen to."""
    started_at: Moment | None = None
    completed_at: Moment | None = None


@dataclass(frozen=True)
class Open:
    """A job of which more was asked than was seen to."""

    experiment_id: str
    turn: int
    asked_turn: int
    """The last one that a caller asked for; a higher `turn` is that of an output that was handed in."""
    asked: Asked


@dataclass
class Totals:
    """Of a job's items in one status, or in all."""

    items: int = 0
    spent_usd: int = 0
    spent_tokens: int = 0
    reserved_usd: int = 0
    reserved_tokens: int = 0
    unpriced: int = 0
    unmetered: int = 0


def open_jobs(store: Store) -> list[Open]:
    """Those that were asked for first come first."""
    rows = store.query(sql("queries/open_jobs"))
    return [
        Open(row["experiment_id"], int(row["turn"]), int(row["asked_turn"]), cast("Asked", row["asked"]))
        for row in rows
    ]


def save(store: Store, job: Job) -> None:
    """Write a definition."""
    body = job.model_dump(mode="json", exclude={"asked", "turn"})
    _put(store, JOB, job.experiment_id, body, job.project_id)


def ask(store: Store, job: Job, asked: Asked) -> int:
    """Ask for something; the turn that it is."""
    turn = max(job.turn + 1, time.time_ns())
    _put(store, ASK, job.experiment_id, {"turn": turn, "asked": asked}, job.project_id)
    return turn


def submitted(store: Store, job: Job) -> None:
    """Say that outputs were handed in. Times number the turns, so whoever writes last writes the highest."""
    _put(store, SUBMITTED, job.experiment_id, {"turn": time.time_ns()}, job.project_id)


def load(store: Store, experiment_id: str) -> Job:
    """Raises NotFoundError."""
    found = jobs(store, [experiment_id])
    if not found:
        raise NotFoundError(f"There is no experiment {experiment_id!r} that the service runs.")
    return found[0]


def jobs(store: Store, ids: Sequence[str]) -> list[Job]:
    """Those of the experiments that are jobs."""
    asks = {each.id: each.body for each in documents.find(store, ASK, parent="", ids=ids)}
    found = documents.find(store, JOB, parent="", ids=ids)
    return [Job.model_validate({**each.body, **asks.get(each.id, {})}) for each in found]


def states(store: Store, ids: Sequence[str]) -> dict[str, State]:
    found = documents.find(store, STATE, parent="", ids=ids)
    return {each.id: State.model_validate(each.body) for each in found}


def write_state(store: Store, job: Job, state: State) -> None:
    _put(store, STATE, job.experiment_id, state.model_dump(mode="json"), job.project_id)


def totals(store: Store, ids: Sequence[str]) -> dict[str, dict[str, Totals]]:
    """Experiment -> status -> what is there."""
    found: dict[str, dict[str, Totals]] = {}
    for row in store.query(sql("queries/job_items"), {"ids": list(ids)}) if ids else ():
        numbers = {name: int(row[name]) for name in Totals.__dataclass_fields__}
        found.setdefault(row["experiment_id"], {})[row["status"]] = Totals(**numbers)
    return found


def forget(store: Store, experiment_id: str) -> None:
    """Remove all that is kept of a job."""
    found = [each for kind in _KINDS for each in documents.find(store, kind, parent="", ids=[experiment_id])]
    found += documents.find(store, ITEM, parent=experiment_id)
    gone = [each.model_copy(update={"revision": next_revision(each.revision)}) for each in found]
    documents.put_all(store, gone, deleted=True)


def sum_of(by_status: dict[str, Totals]) -> Totals:
    whole = Totals()
    for each in by_status.values():
        for name in Totals.__dataclass_fields__:
            setattr(whole, name, getattr(whole, name) + getattr(each, name))
    return whole


def left_of(budget: Budget, used: Totals) -> tuple[int | None, int | None]:
    """(trillionths of a dollar, tokens) that may still be used; None is any."""
    usd = None if budget.usd is None else usd_units(budget.usd) - used.spent_usd - used.reserved_usd
    tokens = None if budget.tokens is None else budget.tokens - used.spent_tokens - used.reserved_tokens
    return usd, tokens


def usd_units(dollars: Decimal | float) -> int:
    """Dollars as whole trillionths, which add up exactly; a fraction of one counts as one."""
    return math.ceil(Decimal(str(dollars)) * 10**12)


def _put(store: Store, kind: str, identity: str, body: dict[str, Any], project_id: str) -> None:
    moment = now()
    document = Document(
        kind=kind, id=identity, project_id=project_id, body=body, created_at=moment, updated_at=moment,
        revision=next_revision(),
    )  # fmt: skip
    documents.put_all(store, [document])
