"""How far a job came, from what is kept of it."""

from __future__ import annotations

from evalspan.jobs.job import OVER, Job, Progress, Status
from evalspan.jobs.state import State, Totals, sum_of


def progress_of(job: Job, said: State | None, by_status: dict[str, Totals]) -> Progress:
    """`by_status`: what is kept of its items."""
    counts = {name: found.items for name, found in by_status.items()}
    status = _status(job, said, counts.get("scoring", 0))
    whole = sum_of(by_status)
    done, failed, scoring = (counts.get(name, 0) for name in ("done", "failed", "scoring"))
    running = counts.get("running", 0) if status == "running" else 0
    left = job.total - done - failed - scoring - running
    return Progress(
        experiment_id=job.experiment_id,
        status=status,
        error=said.error if said and status == said.status else "",
        total=job.total,
        pending=0 if job.waits else left,
        waiting=left if job.waits else 0,
        running=running,
        scoring=scoring,
        done=done,
        failed=failed,
        percent=round(100 * (done + failed) / job.total, 2) if job.total else _empty(status),
        budget=job.budget,
        spent_usd=None if whole.unpriced else whole.spent_usd / 1e12,
        spent_tokens=None if whole.unmetered else whole.spent_tokens,
        reserved_usd=whole.reserved_usd / 1e12,
        reserved_tokens=whole.reserved_tokens,
        started_at=said.started_at if said else None,
        completed_at=said.completed_at if said and status in OVER else None,
    )


def _status(job: Job, said: State | None, scoring: int) -> Status:
    """What the runner said last, unless something else was asked or handed in since."""
    if job.asked == "draft":
        return "draft"
    if job.asked == "cancel":
        return "cancelled"
    if said is None:
        return "pending"
    if said.finished < job.turn and said.status in OVER:
        return "pending"
    if job.waits and scoring and said.status in ("completed", "failed"):
        return "running"
    return said.status


def _empty(status: Status) -> float:
    return 100.0 if status in ("completed", "failed") else 0.0
