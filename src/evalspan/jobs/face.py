"""What can be asked of jobs. Every call may block, and none waits for the work itself."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from evalspan.errors import ConflictError, NotFoundError, UsageError
from evalspan.experiments import Catalog, StoredRecord
from evalspan.experiments.documents import put_all
from evalspan.experiments.entity import now
from evalspan.ingest import Ingest, Signal
from evalspan.jobs import plan, state, tracing
from evalspan.jobs.entry import Entry, entries, entry_by_id
from evalspan.jobs.job import OVER, Budget, Item, Job, NewJob, Progress, Submission
from evalspan.jobs.ledger import Ledger, Purse
from evalspan.jobs.providers import Providers
from evalspan.jobs.reading import progress_of
from evalspan.jobs.runner import Runner
from evalspan.jobs.state import Totals
from evalspan.jobs.tracing import Recording
from evalspan.jobs.turn import records_of
from evalspan.judges import Answer, code_limits
from evalspan.model import Json
from evalspan.settings import Settings
from evalspan.store import Store


class Jobs:
    """Of one service: `app.state.jobs`. Thread-safe. Every operation takes the catalog of who asks, so
    that a key of one project reaches no other's."""

    def __init__(self, store: Store, settings: Settings, ingest: Ingest) -> None:
        """Raises UsageError where the providers' file cannot be used."""
        self._providers = Providers(settings.providers_file)
        self._ingest = ingest
        self._runner = Runner(store, settings, ingest, self._providers, code_limits(settings))

    def start(self) -> None:
        """Begin to work off what is asked for, in a thread."""
        self._runner.start()

    def stop(self) -> None:
        """Returns when nothing of it runs any more; what was under way goes on after the next start."""
        self._runner.stop()

    def submit(self, catalog: Catalog, new: NewJob) -> Job:
        """A new experiment, which runs as soon as a service has room; a draft where it has no steps or
        no dataset. `Job.experiment_id` is the id of the entity in `catalog.experiments`.

        Raises:
            NotFoundError: no such project, dataset, evaluator or prompt. UsageError: the steps do not go
                together, a prompt has no usable version, no key for the provider of a model is in the
                environment, or the budget is in dollars and a model has no price. ConflictError: there is
                an experiment of that id.
        """
        job = plan.resolve(catalog, new, self._providers)
        if new.experiment_id and catalog.experiments.find(ids=[new.experiment_id], limit=1).items:
            raise ConflictError(f"There is an experiment {new.experiment_id!r} already.")
        made = catalog.experiments.create(plan.entity(job, new))
        job.experiment_id, job.name = made.experiment_id, made.experiment
        state.save(catalog.store, job)
        return self._ask(catalog, job, "run" if job.steps and job.dataset_id else "draft")

    def change(self, catalog: Catalog, experiment_id: str, new: NewJob) -> Job:
        """Another definition for a draft; it runs once it has steps and a dataset.

        Raises:
            ConflictError: it ran, or runs. Else as `submit`.
        """
        known = state.load(catalog.store, experiment_id)
        if known.asked != "draft":
            raise ConflictError(f"The experiment {experiment_id!r} was run; make another one.")
        job = plan.resolve(catalog, new.model_copy(update={"experiment_id": experiment_id}), self._providers)
        job.turn = known.turn
        catalog.experiments.update(
            experiment_id,
            name=new.name if new.name and new.name != known.name else None,
            experiment=job.name,
            **plan.changed(job, new),
        )
        state.save(catalog.store, job)
        return self._ask(catalog, job, "run" if job.steps and job.dataset_id else "draft")

    def rerun(self, catalog: Catalog, experiment_id: str, budget: Budget | None = None) -> Job:
        """Run what is left: items that failed, were cancelled, or met the budget; `budget` is the new one.
        Of a job that is under way nothing is left.

        Raises:
            NotFoundError: no such job. ConflictError: it is under way, and its budget cannot change.
                UsageError: it is a draft without steps or dataset.
        """
        job = state.load(catalog.store, experiment_id)
        found = self._progress_of(catalog, job)
        if not job.steps or not job.dataset_id:
            raise UsageError(f"The experiment {experiment_id!r} is a draft without a workflow or a dataset.")
        if found.status not in OVER and found.status != "draft":
            if budget is not None and budget != job.budget:
                raise ConflictError(
                    f"The experiment {experiment_id!r} is {found.status}; "
                    "cancel it before its budget changes."
                )
            return job
        if found.status == "completed" and not found.failed:
            return job  # nothing is left
        if budget is not None:
            plan.check_budget(job, budget, self._providers)
            job.budget = budget
            state.save(catalog.store, job)
        return self._ask(catalog, job, "run")

    def cancel(self, catalog: Catalog, experiment_id: str) -> Progress:
        """Run nothing more. What is done stays. Cancelled twice is cancelled once.

        Raises:
            NotFoundError: no such job. ConflictError: it is over already.
        """
        job = state.load(catalog.store, experiment_id)
        found = self._progress_of(catalog, job)
        if job.asked == "cancel" or found.status == "cancelled":
            return found
        if found.status in ("completed", "failed"):
            raise ConflictError(f"The experiment {experiment_id!r} is {found.status} already.")
        return self._progress_of(catalog, self._ask(catalog, job, "cancel"))

    def progress(self, catalog: Catalog, experiment_ids: Sequence[str]) -> dict[str, Progress]:
        """Of those among the experiments that are jobs."""
        jobs = state.jobs(catalog.store, experiment_ids)
        ids = [job.experiment_id for job in jobs]
        states, totals = state.states(catalog.store, ids), state.totals(catalog.store, ids)
        return {
            job.experiment_id: progress_of(
                job, states.get(job.experiment_id), totals.get(job.experiment_id, {})
            )
            for job in jobs
        }

    def get(self, catalog: Catalog, experiment_id: str) -> Job:
        """Raises NotFoundError."""
        return state.load(catalog.store, experiment_id)

    def items(self, catalog: Catalog, experiment_id: str) -> list[Item]:
        """Every item, those that nobody began included; by iteration, then by record, oldest first."""
        job = state.load(catalog.store, experiment_id)
        if not job.dataset_id or not job.steps:
            return []
        kept, records = entries(catalog.store, experiment_id), records_of(catalog, job)
        return [
            (kept.get((record.id, iteration)) or Entry(record_id=record.id, run_iteration=iteration)).item(
                job, record, waiting=job.waits
            )
            for iteration in range(1, job.runs + 1)
            for record in records
        ]

    def item(self, catalog: Catalog, experiment_id: str, item: str) -> Item:
        """One item, by its id or the id of its root span. Raises NotFoundError."""
        job = state.load(catalog.store, experiment_id)
        entry, record = self._one(catalog, job, item)
        return entry.item(job, record, waiting=job.waits)

    def submit_output(self, catalog: Catalog, experiment_id: str, item: str, submission: Submission) -> Item:
        """Hand in the output of an item that waits; its evaluators run afterwards. Again, it replaces
        what was handed in, and the evaluators run again. Without an output it goes on waiting.

        Raises:
            NotFoundError: no such item. ConflictError: the job's outputs are not submitted, or it was
                cancelled.
        """
        job = state.load(catalog.store, experiment_id)
        if not job.waits:
            raise ConflictError(f"The outputs of experiment {experiment_id!r} are made here, not submitted.")
        if job.asked != "run":
            raise ConflictError(f"The experiment {experiment_id!r} was cancelled; run it again first.")
        entry, record = self._one(catalog, job, item)
        _merge(entry, submission)
        if entry.status in ("pending", "waiting") and "output" not in submission.model_fields_set:
            put_all(catalog.store, [entry.document(job)])
            return entry.item(job, record, waiting=True)
        entry.started_at = entry.started_at or now()
        self._runner.call(self._runner.execution(job, Ledger(Budget(), Totals())).submitted(record, entry))
        state.submitted(catalog.store, job)
        self._runner.wake()
        return entry.item(job, record)

    def remove(self, catalog: Catalog, experiment_id: str) -> None:
        """Cancel the job and forget its state; the experiment is the caller's to delete."""
        state.load(catalog.store, experiment_id)
        self._runner.drop(experiment_id)
        state.forget(catalog.store, experiment_id)

    async def ask(self, model: str, messages: list[dict[str, Json]], **parameters: Json) -> Answer:
        """Ask a model outside any job; the call is recorded.

        Raises:
            EvalspanError: it gave no answer.
        """
        work = self._runner.submit(self._trial(model, messages, parameters))
        return await asyncio.wrap_future(work)

    async def _trial(
        self, model: str, messages: list[dict[str, Json]], parameters: dict[str, Json]
    ) -> Answer:
        purse = Purse(Ledger(Budget(), Totals()), Entry(record_id="", run_iteration=1), _nowhere)
        recording = Recording(uuid.uuid4().hex, "trial", {})
        try:
            async with tracing.recording(recording):
                return await self._runner.models.ask(model, messages, parameters, purse)
        finally:
            await self._ingest.export(Signal.TRACES, recording.message())

    def _one(self, catalog: Catalog, job: Job, item: str) -> tuple[Entry, StoredRecord]:
        """An item and its record. One that nobody began, or began again, is looked for among all.

        Raises:
            NotFoundError: it is not there.
        """
        entry = entry_by_id(catalog.store, job.experiment_id, item)
        if entry is not None:
            found = records_of(catalog, job, [entry.record_id])
            if found:
                return entry, found[0]
        kept = entries(catalog.store, job.experiment_id)
        for record in records_of(catalog, job) if job.dataset_id else ():
            for iteration in range(1, job.runs + 1):
                known = kept.get((record.id, iteration)) or Entry(
                    record_id=record.id, run_iteration=iteration
                )
                if known.is_called(job, item):
                    return known, record
        raise NotFoundError(f"The experiment {job.experiment_id!r} has no item {item!r}.")

    def _ask(self, catalog: Catalog, job: Job, asked: state.Asked) -> Job:
        job.asked, job.turn = asked, state.ask(catalog.store, job, asked)
        self._runner.wake()
        return job

    def _progress_of(self, catalog: Catalog, job: Job) -> Progress:
        ids = [job.experiment_id]
        states, totals = state.states(catalog.store, ids), state.totals(catalog.store, ids)
        return progress_of(job, states.get(ids[0]), totals.get(ids[0], {}))


def _merge(entry: Entry, submission: Submission) -> None:
    """What was handed in over what was handed in before."""
    given = submission.model_fields_set
    if "output" in given:
        entry.output = submission.output
    for name in ("input", "name"):
        if name in given and getattr(submission, name) is not None:
            setattr(entry, name, getattr(submission, name))
    if submission.metadata is not None:
        entry.metadata = {**entry.metadata, **submission.metadata}
    if submission.metrics is not None:
        stated = submission.metrics.model_dump(exclude_none=True)
        entry.metrics = entry.metrics.model_copy(update=stated)
    entry.started_at = submission.started_at or entry.started_at


async def _nowhere() -> None:
    """A call outside any job has no budget to write down."""
