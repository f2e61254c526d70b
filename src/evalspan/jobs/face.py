"""What can be asked of jobs. Every call may block, and none waits for the work itself."""

from __future__ import annotations

from collections.abc import Sequence

from evalspan.experiments import Catalog
from evalspan.ingest import Ingest
from evalspan.jobs.job import Budget, Item, Job, NewJob, Progress, Submission
from evalspan.settings import Settings
from evalspan.store import Store


class Jobs:
    """Of one service: `app.state.jobs`. Thread-safe. Every operation takes the catalog of who asks, so
    that a key of one project reaches no other's."""

    def __init__(self, store: Store, settings: Settings, ingest: Ingest) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Begin to work off what is asked for, in a thread."""
        raise NotImplementedError

    def stop(self) -> None:
        """Returns when nothing of it runs any more; what was under way goes on after the next start."""
        raise NotImplementedError

    def submit(self, catalog: Catalog, new: NewJob) -> Job:
        """A new experiment, which runs as soon as a service has room; a draft where it has no steps or
        no dataset. `Job.experiment_id` is the id of the entity in `catalog.experiments`.

        Raises:
            NotFoundError: no such project, dataset, evaluator or prompt. UsageError: the steps do not go
                together, a prompt has no usable version, no provider serves a model, its key is not in
                the environment, or the budget is in dollars and a model has no price.
        """
        raise NotImplementedError

    def change(self, catalog: Catalog, experiment_id: str, new: NewJob) -> Job:
        """Another definition for a job that never ran.

        Raises:
            ConflictError: it ran, or runs.
        """
        raise NotImplementedError

    def rerun(self, catalog: Catalog, experiment_id: str, budget: Budget | None = None) -> Job:
        """Run what is left: items that failed, were cancelled, or met the budget; `budget` is the new one.

        Raises:
            NotFoundError: no such job. ConflictError: it is under way. UsageError: it is a draft
                without steps or dataset.
        """
        raise NotImplementedError

    def cancel(self, catalog: Catalog, experiment_id: str) -> Progress:
        """Run nothing more. What is done stays. Cancelled twice is cancelled once.

        Raises:
            NotFoundError: no such job. ConflictError: it is over already.
        """
        raise NotImplementedError

    def progress(self, catalog: Catalog, experiment_ids: Sequence[str]) -> dict[str, Progress]:
        """Of those among the experiments that are jobs."""
        raise NotImplementedError

    def get(self, catalog: Catalog, experiment_id: str) -> Job:
        """Raises NotFoundError."""
        raise NotImplementedError

    def items(self, catalog: Catalog, experiment_id: str) -> list[Item]:
        """Every item, those that nobody began included; by record, oldest first, then by iteration."""
        raise NotImplementedError

    def item(self, catalog: Catalog, experiment_id: str, item_id: str) -> Item:
        """One item, by its id or the id of its root span. Raises NotFoundError."""
        raise NotImplementedError

    def submit_output(
        self, catalog: Catalog, experiment_id: str, item_id: str, submission: Submission
    ) -> Item:
        """Hand in the output of an item that waits; its evaluators run afterwards. Again, it replaces
        what was handed in, and the evaluators run again.

        Raises:
            NotFoundError: no such item. ConflictError: the job's outputs are not submitted.
        """
        raise NotImplementedError

    def remove(self, catalog: Catalog, experiment_id: str) -> None:
        """Cancel the job and forget its state; the experiment is the caller's to delete."""
        raise NotImplementedError
