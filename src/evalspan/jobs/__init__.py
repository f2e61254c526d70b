"""Experiments that the service itself runs: `Jobs` is the face, `Runner` the thread behind it.

State stands in the store, so a job outlives the service: an item whose output was written is never run
again, and one that was under way when the service went is begun anew. A spent cent is counted even
where its answer was lost.
"""

from __future__ import annotations

from evalspan.jobs.face import Jobs
from evalspan.jobs.job import (
    OVER,
    Budget,
    Item,
    ItemStatus,
    Job,
    Metrics,
    NewJob,
    Progress,
    Status,
    Submission,
    item_id,
    root_span_id,
)
from evalspan.jobs.workflow import (
    CompletionStep,
    DuplicateStep,
    PromptStep,
    Step,
    WaitStep,
)

__all__ = [
    "OVER",
    "Budget",
    "CompletionStep",
    "DuplicateStep",
    "Item",
    "ItemStatus",
    "Job",
    "Jobs",
    "Metrics",
    "NewJob",
    "Progress",
    "PromptStep",
    "Status",
    "Step",
    "Submission",
    "WaitStep",
    "item_id",
    "root_span_id",
]
