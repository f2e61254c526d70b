"""The one place where Opik's writes meet: each is merged into what is stored, and the whole is stored.

Requests that arrive while others are being stored wait and are then merged together, in one reading and
one commit. So no two merges of one service overlap, and many small requests cost little more than one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from evalspan.api.datadog.intake import ingest
from evalspan.api.opik import render, stored
from evalspan.api.opik.stored import Trace
from evalspan.api.opik.writes import Item, Write
from evalspan.api.scope import catalog, everything, grant
from evalspan.errors import EvalspanError, StoreUnavailable, UsageError
from evalspan.experiments import Catalog
from evalspan.ingest import Ingest, Signal

_making: Final = threading.Lock()


@dataclass
class Job:
    """The writes of one request."""

    writes: Sequence[Write]
    items: Sequence[Item]
    refused: list[str] = field(default_factory=list[str])
    answer: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def traces(self) -> set[str]:
        return {write.trace for write in self.writes} | {item.trace for item in self.items}


class Recorder:
    """Of the keys of one project, or of all."""

    def __init__(
        self, catalog: Catalog, everything: Catalog, ingest: Ingest, project: str, turn: asyncio.Lock
    ) -> None:
        self._catalog = catalog
        self._store = everything.store
        self._ingest = ingest
        self._project = project
        self._waiting: list[Job] = []
        self._turn = turn  # the same for all: a trace may be written with several keys

    async def record(self, writes: Sequence[Write] = (), items: Sequence[Item] = ()) -> None:
        """When this returns, the merged rows are stored.

        Raises:
            UsageError: some of it contradicts what is stored; the rest is stored.
            ForbiddenError: a trace is of another project. StoreUnavailable: try again shortly.
        """
        job = Job(writes, items)
        self._waiting.append(job)
        while not job.answer.done():
            async with self._turn:
                if not job.answer.done():
                    jobs, self._waiting = self._waiting, []
                    await self._commit(jobs)
        job.answer.result()

    async def remove(self, traces: Sequence[str], *, whole: bool) -> None:
        """Take traces out of their experiments and, if `whole`, out of the store with all that is theirs."""
        async with self._turn:
            message = await run_in_threadpool(self._removed, traces, whole)
            if message is not None:
                await self._ingest.export(Signal.TRACES, message, project=self._project)

    def _removed(self, traces: Sequence[str], whole: bool) -> Any:
        found = stored.load(self._store, traces)
        for trace in found.values():
            trace.admit(self._project)
        for trace in found.values():
            stored.erase(self._store, trace, whole=whole)
            trace.unlink()
        return None if whole else render.request(self._catalog, found, self._project)

    async def _commit(self, jobs: list[Job]) -> None:
        try:
            await self._store_all(jobs)
        except BaseException as error:
            left = [job for job in jobs if not job.answer.done()]
            alone = len(left) == 1 or isinstance(error, StoreUnavailable) or not isinstance(error, Exception)
            for job in left:
                if alone:
                    job.answer.set_exception(error if isinstance(error, Exception) else _interrupted())
                else:
                    await self._commit([job])
            if not isinstance(error, Exception):
                raise
        for job in jobs:
            if not job.answer.done():
                problem = UsageError("; ".join(job.refused[:10])) if job.refused else None
                job.answer.set_exception(problem) if problem else job.answer.set_result(None)

    async def _store_all(self, jobs: list[Job]) -> None:
        message = await run_in_threadpool(self._merged, jobs)
        if message is None:
            return
        receipt = await self._ingest.export(Signal.TRACES, message, project=self._project)
        if receipt.rejected:
            raise UsageError(receipt.message)

    def _merged(self, jobs: Sequence[Job]) -> Any:
        traces = stored.load(self._store, sorted(set[str]().union(*(job.traces for job in jobs))))
        for job in jobs:
            try:
                for trace in job.traces:
                    traces[trace].admit(self._project)
            except EvalspanError as error:
                job.answer.get_loop().call_soon_threadsafe(_fail, job.answer, error)
                continue
            for write in job.writes:
                traces[write.trace].apply(write)
            job.refused[:] = filter(None, (_link(traces[item.trace], item) for item in job.items))
        return render.request(self._catalog, traces, self._project)


def recorder(request: Request) -> Recorder:
    """That of the request's project; it outlives the request."""
    state, given = request.app.state, grant(request)
    with _making:
        if not hasattr(state, "opik_recorders"):
            state.opik_recorders, state.opik_turn = {}, asyncio.Lock()
        known = cast("dict[str, Recorder]", state.opik_recorders)
        if given.project not in known:
            known[given.project] = Recorder(
                catalog(request), everything(request), ingest(request), given.project, state.opik_turn
            )
        return known[given.project]


def _link(trace: Trace, item: Item) -> str:
    """Make a trace the execution of an item; why not, or ''."""
    known = trace.item
    if known is None or (known.experiment_id, known.record_id) == (item.experiment_id, item.record_id):
        if known is None or item.id < known.id:
            trace.item = item
            trace.changed.add("")
        return ""
    return (
        f"Trace {trace.id} is the execution of dataset item {known.record_id} in experiment "
        f"{known.experiment_id}; it cannot be that of {item.record_id} in {item.experiment_id} as well."
    )


def _fail(answer: asyncio.Future[None], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


def _interrupted() -> StoreUnavailable:
    return StoreUnavailable("The service stopped while this was being stored; send it again.")
