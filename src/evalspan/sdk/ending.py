"""The end of a run: what was done is delivered, the service told how it went, and the result made.

However a run ended, it ends through here: nothing is raised before what there is was delivered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evalspan.capture import content
from evalspan.errors import EvalspanError
from evalspan.model import ExperimentStatus, Json
from evalspan.sdk import history, lifecycle
from evalspan.sdk.ledger import Account
from evalspan.sdk.lifecycle import Runtime
from evalspan.sdk.result import ExperimentResult, Row, SummaryScore
from evalspan.sdk.session import Session
from evalspan.sdk.threads import Threads


@dataclass(frozen=True)
class Done:
    """What a run came to."""

    rows: Sequence[Row]
    evaluators: Sequence[str]
    expected: int
    """How many rows there would be, had nothing stopped it."""
    summary_scores: Sequence[SummaryScore] = ()
    facts: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """What more the service is told of the experiment."""


class Ending:
    """The end of one experiment run."""

    def __init__(self, session: Session, runtime: Runtime, threads: Threads) -> None:
        self._session = session
        self._runtime = runtime
        self._threads = threads

    def begin(self) -> None:
        """Opens the account that the end settles."""
        self._runtime.delivery.ledger.open(self._session.experiment_id)

    async def finish(
        self, done: Done, stopped: BaseException | None
    ) -> tuple[ExperimentResult, EvalspanError | None]:
        """The result, and why the service could not be told of the end, where it could not."""
        account = await self._threads.run(lambda: self._drain(patient=stopped is None))
        lifecycle.processor.forget(self._session.experiment_id)
        status, error = _verdict(done.rows, account, stopped)
        trouble = await self._threads.run(lambda: self._report(status, error, account, done.facts))
        result = ExperimentResult(
            experiment_id=self._session.experiment_id,
            name=self._session.name,
            url=self._session.url,
            status=status,
            rows=done.rows,
            summary_scores=done.summary_scores,
            delivery=account,
            evaluators=done.evaluators,
            expected=done.expected,
        )
        history.note(result.name, [row.record_id for row in result.failures])
        return result, trouble

    def _drain(self, *, patient: bool) -> Account:
        """Waits while delivery gets anywhere; each lane gives up on its own after `delivery_timeout`."""
        delivery, settings = self._runtime.delivery, self._runtime.settings
        experiment_id = self._session.experiment_id
        if not patient:
            delivery.flush(settings.exit_timeout, experiment_id)
            return delivery.ledger.account(experiment_id)
        while True:
            before = delivery.ledger.account(experiment_id).pending
            delivery.flush(settings.delivery_timeout + 30, experiment_id)
            account = delivery.ledger.account(experiment_id)
            if account.pending in (0, before):
                return account

    def _report(
        self, status: ExperimentStatus, error: str, account: Account, facts: Mapping[str, Json]
    ) -> EvalspanError | None:
        # What did not get through tells that the service is away: no use in waiting for it again.
        patience = None if account.complete else 1.0
        changes = {"status": status, "error": content.told(error), **facts}
        try:
            self._runtime.client.update_experiment(self._session.experiment_id, changes, patience)
        except EvalspanError as trouble:
            return trouble
        return None


def _verdict(
    rows: Sequence[Row], account: Account, stopped: BaseException | None
) -> tuple[ExperimentStatus, str]:
    """How it ended. Failed rows are results: only when every row failed has the experiment."""
    failures = [row for row in rows if row.error is not None]
    error = f"{len(failures)} of {len(rows)} rows failed: {failures[0].error}" if failures else ""
    if stopped is not None:
        return "interrupted", str(stopped) or type(stopped).__name__
    if not account.complete:
        return "failed", f"not everything was delivered: {account}"
    return ("failed" if failures and len(failures) == len(rows) else "completed"), error
