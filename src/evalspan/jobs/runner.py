"""The thread that works off jobs: takes those that nobody else has, runs their items, says how they stand.

It has an event loop of its own, so that neither a judge nor a template holds up the service's requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import uuid
from collections.abc import Callable, Coroutine, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from opentelemetry.sdk.trace import TracerProvider

from evalspan.errors import EvalspanError, NotFoundError, ServiceError, StoreUnavailable
from evalspan.experiments import Catalog
from evalspan.ingest import Ingest
from evalspan.jobs import state, tracing
from evalspan.jobs.entry import Journal
from evalspan.jobs.execution import Execution
from evalspan.jobs.job import Job
from evalspan.jobs.leases import Leases
from evalspan.jobs.ledger import Ledger
from evalspan.jobs.llm import Models
from evalspan.jobs.providers import Providers
from evalspan.jobs.room import Room
from evalspan.jobs.turn import Turn
from evalspan.judges import CodeLimits
from evalspan.settings import Settings
from evalspan.store import Store

logger = logging.getLogger("evalspan.jobs")

T = TypeVar("T")

_THREADS: Final = 8  # beside one for each item
_POLL: Final = 2.0  # seconds, where other services may have been asked
_AGAIN: Final = 1.0  # seconds before a job that met trouble of the store is tried again
_DRAIN: Final = 10.0  # seconds that calls under way have at the end of the service


@dataclass
class _Active:
    """A job that is ours."""

    task: asyncio.Task[None]
    asked: int = 0
    """The turn that is worked on, as a caller asked for it; 0 until it is known."""
    cancelled: bool = False

    def cancel(self) -> None:
        if not self.cancelled:
            self.cancelled = True
            self.task.cancel()


class Runner:
    """Of one service."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        ingest: Ingest,
        providers: Providers,
        code: CodeLimits | None,
    ) -> None:
        self._store = store
        self._catalog = Catalog(store)
        self._settings = settings
        self._ingest = ingest
        self._providers = providers
        self._code = code
        self._leases = Leases(store, uuid.uuid4().hex, settings.job_lease)
        self._thread = threading.Thread(target=self._run, name="evalspan-jobs", daemon=True)
        self._ready = threading.Event()
        self._active: dict[str, _Active] = {}
        self._gone: set[str] = set()
        self._stopping = False

    def start(self) -> None:
        """Raises ServiceError where it cannot."""
        self._thread.start()
        self._ready.wait()
        if not self._thread.is_alive():
            raise ServiceError("The runner of experiments did not start; the log says why.")

    def stop(self) -> None:
        """Begin no more items, give those under way a moment, then end."""
        if self._thread.is_alive():
            self._stopping = True
            self.wake()
            self._thread.join()

    def wake(self) -> None:
        """Look for work now. Thread-safe."""
        self._loop.call_soon_threadsafe(self._woken.set)

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Something asynchronous on the runner's loop. Thread-safe."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Its result. Not from that loop."""
        return self.submit(work).result()

    def drop(self, experiment_id: str) -> None:
        """Let go of a job for good, if it is ours: what is under way is cancelled, and not taken up again."""

        async def dropped() -> None:
            self._gone.add(experiment_id)
            active = self._active.get(experiment_id)
            if active is not None:
                active.cancel()
                await asyncio.wait({active.task})

        self.call(dropped())

    def execution(self, job: Job, ledger: Ledger, ours: Callable[[], bool] = lambda: True) -> Execution:
        return Execution(
            job, ledger, self.models, self._provider, self._ingest, self._journal, self._code, ours
        )

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        # Enough that neither slow templates nor slow judges keep a lease from being renewed.
        self._loop.set_default_executor(
            ThreadPoolExecutor(self._settings.job_concurrency + _THREADS, "evalspan-jobs")
        )
        self._woken = asyncio.Event()
        self._room = Room(self._settings.job_concurrency)
        self._journal = Journal(self._store)
        self._provider: TracerProvider = tracing.tracer_provider()
        self.models = Models(self._providers, self._provider)
        self._ready.set()
        try:
            while not self._stopping:
                self._woken.clear()
                await self._look()
                await self._rest()
        finally:
            await self._drain()
            await self.models.close()

    async def _rest(self) -> None:
        """Until somebody wakes us; other services over the same store can only be looked after."""
        if self._stopping:
            return
        timeout = None if self._store.dsn.embedded else _POLL
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), timeout)

    async def _look(self) -> None:
        if not self._settings.jobs:
            return
        try:
            found = await asyncio.to_thread(state.open_jobs, self._store)
        except EvalspanError as error:
            logger.warning("The store does not say which experiments are to be run: %s", error)
            self._loop.call_later(_AGAIN, self._woken.set)
            return
        for each in found:
            active = self._active.get(each.experiment_id)
            if each.experiment_id in self._gone:
                continue
            if active is None:
                task = asyncio.create_task(self._attend(each))
                self._active[each.experiment_id] = _Active(task)
            elif 0 < active.asked < each.asked_turn:
                # What is asked now is begun with anew; who works on it already is left alone, for several
                # cancelled jobs would else wake and break off one another for ever.
                active.cancel()
        await self._let_go(self._active.keys() - {each.experiment_id for each in found})

    async def _let_go(self, ids: Set[str]) -> None:
        """Of jobs that are ours and that nobody asks for any more: those that another service deleted."""
        if not ids or self._store.dsn.embedded:
            return
        try:
            there = {job.experiment_id for job in await asyncio.to_thread(state.jobs, self._store, [*ids])}
        except EvalspanError:
            return  # asked again soon
        for experiment_id in ids - there:
            active = self._active.get(experiment_id)
            if active is not None:
                active.cancel()
                await asyncio.wait({active.task})
                await asyncio.to_thread(state.forget, self._store, experiment_id)

    async def _attend(self, asked: state.Open) -> None:
        """See to one job, if it can be had."""
        again, experiment_id = False, asked.experiment_id
        try:
            job = await asyncio.to_thread(state.load, self._store, experiment_id)
            self._active[experiment_id].asked = job.turn
            if not await asyncio.to_thread(self._leases.acquire, experiment_id, job.project_id):
                return
            self._woken.set()  # more may have been asked before it was known what is worked on
            try:
                await self._hold(job, asked.turn)
                again = True
            finally:
                await asyncio.to_thread(self._leases.release, experiment_id, job.project_id)
        except asyncio.CancelledError:
            again = True
        except NotFoundError as error:
            logger.warning("Experiment %s was deleted: %s", experiment_id, error)
            await asyncio.to_thread(state.forget, self._store, experiment_id)
        except StoreUnavailable as error:
            logger.warning("Experiment %s waits for the store: %s", experiment_id, error)
            self._loop.call_later(_AGAIN, self._woken.set)
        except Exception:
            logger.exception("Experiment %s", experiment_id)
            self._loop.call_later(_AGAIN, self._woken.set)
        finally:
            self._active.pop(experiment_id, None)
            if again:  # more may have been asked meanwhile
                self._woken.set()

    async def _hold(self, job: Job, number: int) -> None:
        """Work on a job for as long as it is ours."""

        def execution(job: Job, ledger: Ledger) -> Execution:
            return self.execution(job, ledger, lambda: self._leases.holds(job.experiment_id))

        turn = Turn(self._catalog, job, self._leases, self._room, execution, lambda: self._stopping, number)
        work = asyncio.create_task(turn.run())
        renewal = asyncio.create_task(self._renew(job))
        try:
            await asyncio.wait({work, renewal}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                logger.warning("Experiment %s was taken over by another service", job.experiment_id)
        finally:
            for task in (work, renewal):
                task.cancel()
            await asyncio.wait({work, renewal})
        if not work.cancelled():
            work.result()

    async def _renew(self, job: Job) -> None:
        """Returns when the job is no longer ours."""
        while True:
            await asyncio.sleep(self._leases.seconds / 3)
            try:
                if not await asyncio.to_thread(self._leases.renew, job.experiment_id, job.project_id):
                    return
            except EvalspanError as error:
                logger.warning("The lease of experiment %s is not renewed: %s", job.experiment_id, error)
            if not self._leases.holds(job.experiment_id):
                return

    async def _drain(self) -> None:
        tasks = {active.task for active in self._active.values()}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_DRAIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
