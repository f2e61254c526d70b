"""One turn of a job: everything that is left to do for its items, and how the job stands afterwards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

from evalspan.errors import EvalspanError, StoreUnavailable
from evalspan.experiments import Catalog, StoredRecord
from evalspan.experiments.documents import put_all
from evalspan.experiments.entity import MAX_PAGE, now
from evalspan.jobs import state
from evalspan.jobs.entry import Entry, entries
from evalspan.jobs.execution import Execution, NotOurs
from evalspan.jobs.job import Job, Status
from evalspan.jobs.leases import Leases
from evalspan.jobs.ledger import BudgetReached, Ledger
from evalspan.jobs.room import Room
from evalspan.jobs.state import State, Totals
from evalspan.model import ExperimentStatus

logger = logging.getLogger("evalspan.jobs")

Todo = tuple[StoredRecord, Entry]

_SHOWN: dict[Status, ExperimentStatus] = {
    "running": "running",
    "waiting": "running",
    "paused": "interrupted",
    "cancelled": "interrupted",
    "completed": "completed",
    "failed": "failed",
}


class Turn:
    """Of a job whose lease is ours."""

    def __init__(
        self,
        catalog: Catalog,
        job: Job,
        leases: Leases,
        room: Room,
        execution: Callable[[Job, Ledger], Execution],
        stopping: Callable[[], bool],
        number: int,
    ) -> None:
        """`number`: the turn as it was asked for, by a caller or by an output that was handed in."""
        self._catalog = catalog
        self._number = max(number, job.turn)
        self._store = catalog.store
        self._job = job
        self._leases = leases
        self._room = room
        self._execution = execution
        self._stopping = stopping

    async def run(self) -> None:
        """Raises StoreUnavailable, CancelledError; the turn is then open still."""
        said = (await asyncio.to_thread(self._states)) or State()
        if self._job.asked == "cancel":
            await self._end(said, "cancelled", "Cancelled.")
            return
        said.started_at = said.started_at or now()
        # Outputs that come together ask for a turn each; the first sees to all, the rest find nothing to do.
        if not (self._job.waits and said.status == "completed"):
            said.completed_at, said.error = None, ""
            await self._say(said, "running")
        try:
            done = await self._work()
        except StoreUnavailable:
            raise
        except EvalspanError as error:
            await self._end(said, "failed", str(error))
            return
        except NotOurs:
            return
        except Exception as error:  # again and again would ask, and pay, again and again
            logger.exception("Experiment %s", self._job.experiment_id)
            await self._end(said, "failed", f"It broke off: {type(error).__name__}: {error}")
            return
        if done is not None:
            await self._end(said, *done)

    async def _work(self) -> tuple[Status, str] | None:
        """(status, what went wrong) at the end; None where it was broken off."""
        records = await asyncio.to_thread(records_of, self._catalog, self._job)
        kept = await asyncio.to_thread(entries, self._store, self._job.experiment_id)
        if self._job.waits:
            await self._expect(records, kept)
        todo = list(self._todo(records, kept))
        ledger = Ledger(self._job.budget, _used(kept.values()))
        await self._run_items(todo, ledger)
        if self._stopping() or not self._leases.holds(self._job.experiment_id):
            return None
        if self._job.waits:
            kept = await asyncio.to_thread(entries, self._store, self._job.experiment_id)
        return self._outcome(list(kept.values()), len(records) * self._job.runs, ledger.reached)

    async def _expect(self, records: list[StoredRecord], kept: dict[tuple[str, int], Entry]) -> None:
        """Write down the items that wait, so that each is found by its id."""
        keys = [(record.id, number) for number in range(1, self._job.runs + 1) for record in records]
        absent = [Entry(record_id=key[0], run_iteration=key[1]) for key in keys if key not in kept]
        # At revision 1, so that an output that is handed in at this moment wins.
        lowest = [entry.document(self._job).model_copy(update={"revision": 1}) for entry in absent]
        await asyncio.to_thread(put_all, self._store, lowest)

    def _todo(self, records: list[StoredRecord], kept: dict[tuple[str, int], Entry]) -> Iterator[Todo]:
        """The items that are left, by iteration; those that nobody began get an entry."""
        for iteration in range(1, self._job.runs + 1):
            for record in records:
                key = (record.id, iteration)
                entry = kept.get(key) or Entry(record_id=record.id, run_iteration=iteration)
                if self._is_left(entry):
                    kept[key] = entry
                    entry.turn = self._job.turn
                    yield record, entry

    def _is_left(self, entry: Entry) -> bool:
        if self._job.waits:
            return entry.status == "scoring"
        failed_before = entry.status == "failed" and entry.turn < self._job.turn
        return failed_before or entry.status not in ("done", "failed")

    async def _run_items(self, todo: list[Todo], ledger: Ledger) -> None:
        execution = self._execution(self._job, ledger)
        left = iter(todo)

        async def work() -> None:
            for record, entry in left:
                if self._stopping() or not self._leases.holds(self._job.experiment_id):
                    return
                async with self._room.place(self._job.experiment_id):
                    try:
                        await execution.run(record, entry)
                    except (BudgetReached, NotOurs):
                        return
                    except Exception as error:
                        logger.exception("An item of experiment %s", self._job.experiment_id)
                        await execution.failed(entry, error)

        tasks = [asyncio.create_task(work()) for _ in range(min(self._job.concurrency, len(todo)))]
        if not tasks:
            return
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            # Once each, and waited for: a second cancel would break off what stores a result (`_whole`).
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            task.result()

    def _outcome(self, kept: list[Entry], total: int, reached: str) -> tuple[Status, str]:
        failed = [each for each in kept if each.status == "failed"]
        if reached:
            return "paused", reached
        missing = total - sum(each.status in ("done", "failed") for each in kept)
        if missing and self._job.waits:
            return "waiting", ""
        if missing:
            return "failed", f"{missing} of {total} items came to no end; the service's log says why."
        if total and len(failed) == total:
            return "failed", f"All {total} items failed; one of them: {failed[0].error}"
        return "completed", ""

    def _states(self) -> State | None:
        return state.states(self._store, [self._job.experiment_id]).get(self._job.experiment_id)

    async def _say(self, said: State, status: Status) -> None:
        said.status = status
        writing = asyncio.create_task(asyncio.to_thread(self._write, said))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # A thread goes on when its task is cancelled; written later, it would undo a deletion.
            await asyncio.wait({writing})
            raise

    async def _end(self, said: State, status: Status, error: str) -> None:
        """The turn is seen to; or another service's to see to, which then says how it went."""
        if not self._leases.holds(self._job.experiment_id):
            return
        said.finished, said.error = self._number, error
        said.completed_at = now() if status in ("completed", "failed", "cancelled") else None
        await self._say(said, status)

    def _write(self, said: State) -> None:
        self._catalog.experiments.update(
            self._job.experiment_id, status=_SHOWN[said.status], error=said.error
        )
        state.write_state(self._store, self._job, said)


def records_of(catalog: Catalog, job: Job, ids: Sequence[str] = ()) -> list[StoredRecord]:
    """The records that the job is about (those of `ids`), oldest first. Raises NotFoundError."""
    found: list[StoredRecord] = []
    cursor = ""
    while True:
        page = catalog.records.find(
            job.dataset_id, version=job.dataset_version, record_ids=ids, cursor=cursor, limit=MAX_PAGE
        )
        found += page.items
        cursor = page.after
        if not cursor:
            return sorted(found, key=lambda record: record.created_at)


def _used(kept: Iterable[Entry]) -> Totals:
    """What the items used and have set aside."""
    whole = Totals()
    for each in kept:
        whole.spent_usd += each.spent_usd
        whole.spent_tokens += each.spent_tokens
        whole.reserved_usd += each.reserved_usd
        whole.reserved_tokens += each.reserved_tokens
    return whole
