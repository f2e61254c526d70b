"""The nouns of experiments that the service runs: what is asked for, and how far it came.

A job is one experiment; an item is one record of it in one run iteration. An item's id is the id of its
trace, which follows from the three: whoever runs it again writes the same rows.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from evalspan.experiments.entity import Moment
from evalspan.experiments.evaluator_versions import EvaluatorVersion
from evalspan.experiments.prompt_versions import PromptVersion
from evalspan.jobs.workflow import Step
from evalspan.model import Json

Status = Literal[
    "draft",  # no steps or no dataset yet; nothing runs
    "pending",  # nobody began
    "running",
    "waiting",  # all that is left is outputs that somebody submits
    "paused",  # the budget is used up; `rerun` goes on once it is raised
    "completed",  # every item has an end, some perhaps by failing
    "failed",  # every item failed, or the job itself cannot run
    "cancelled",
]
ItemStatus = Literal[
    "pending",  # not begun
    "running",  # begun; or was, when its service went away
    "waiting",  # its output is to be submitted
    "scoring",  # its output is there, its evaluators are not through
    "done",
    "failed",  # it has an error and no output
]
OVER: frozenset[str] = frozenset({"paused", "completed", "failed", "cancelled"})


class Budget(BaseModel):
    """What a job may use, evaluators included. None is any."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    tokens: int | None = Field(default=None, ge=0)

    def __bool__(self) -> bool:
        return self.usd is not None or self.tokens is not None


class NewJob(BaseModel):
    """What a caller asks for. Without steps or without a dataset it is a draft."""

    model_config = ConfigDict(extra="forbid")

    project_id: str
    """Where it goes as long as there is no dataset; else it goes where its dataset is."""
    experiment_id: str = ""
    """Given by the service where empty."""
    name: str = ""
    """`Experiment` and the first digits of its id where empty."""
    dataset_id: str = ""
    steps: list[Step] = []
    evaluators: list[str] = []
    """Slugs or ids, each with `:VERSION` where it is not the latest."""
    runs: int = Field(default=1, ge=1, le=1000)
    concurrency: int = Field(default=15, ge=1, le=1000)
    """Items at once."""
    budget: Budget = Budget()
    span_name: str = "experiment_trace"
    """Of the root span of each item."""
    description: str = ""
    metadata: dict[str, Json] = {}
    tags: list[str] = []
    config: dict[str, Json] = {}
    """Kept with the experiment: what the caller sent, for whoever shows it."""


class Job(BaseModel):
    """A job as it will be run: versions are fixed when it is submitted."""

    experiment_id: str
    project_id: str
    project: str
    name: str
    dataset_id: str = ""
    dataset: str = ""
    dataset_version: int = 0
    steps: list[Step] = []
    prompts: list[PromptVersion | None] = []
    """Of each step, where it is a prompt."""
    evaluators: list[EvaluatorVersion] = []
    runs: int = 1
    concurrency: int = 15
    budget: Budget = Budget()
    span_name: str = ""
    metadata: dict[str, Json] = {}
    tags: list[str] = []
    records: int = 0
    asked: Literal["draft", "run", "cancel"] = "draft"
    turn: int = 0
    """Counts what was asked for: a runner that has seen to a lower one has something to do."""

    @property
    def waits(self) -> bool:
        """Whether its outputs are submitted."""
        return any(step.type == "wait" for step in self.steps)

    @property
    def total(self) -> int:
        return self.records * self.runs


class Progress(BaseModel):
    """How far a job came. `percent` counts items that have their end."""

    experiment_id: str
    status: Status
    error: str = ""
    total: int = 0
    pending: int = 0
    running: int = 0
    waiting: int = 0
    scoring: int = 0
    done: int = 0
    failed: int = 0
    percent: float = 0.0
    budget: Budget = Budget()
    spent_usd: float | None = 0.0
    """Evaluators included; None where a call has no known price."""
    spent_tokens: int | None = 0
    """None where a call did not say what it used."""
    reserved_usd: float = 0.0
    """Set aside for calls that are under way, or whose answer nobody saw: it counts against the budget."""
    reserved_tokens: int = 0
    started_at: Moment | None = None
    completed_at: Moment | None = None


# Within what spans and columns hold; a boolean is no number.
Seconds = Annotated[float, Field(strict=True, ge=0, le=1e8, allow_inf_nan=False)]
Tokens = Annotated[int, Field(strict=True, ge=0, le=10**12)]
Dollars = Annotated[float, Field(strict=True, ge=0, lt=1e6, allow_inf_nan=False)]


class Metrics(BaseModel):
    """What producing an output took; None is unknown."""

    model_config = ConfigDict(extra="allow")

    latency: Seconds | None = None
    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None
    cost: Dollars | None = None


class Item(BaseModel):
    """One execution of one record."""

    id: str
    """The trace id of its latest attempt, 32 hexadecimal digits."""
    span_id: str
    """Of its root span, 16 hexadecimal digits."""
    record_id: str
    run_iteration: int
    status: ItemStatus
    input: Json = None
    expected_output: Json = None
    output: Json = None
    metadata: dict[str, Json] = {}
    error: str = ""
    error_type: str = ""
    name: str = ""
    metrics: Metrics = Metrics()
    started_at: Moment | None = None
    completed_at: Moment | None = None


class Submission(BaseModel):
    """What is handed in for an item that waits. Only what is set changes what was handed in before."""

    input: Json = None
    output: Json = None
    name: str | None = None
    metadata: dict[str, Json] | None = None
    metrics: Metrics | None = None
    started_at: datetime | None = None


def item_id(experiment_id: str, record_id: str, run_iteration: int, attempt: int = 0) -> str:
    """The trace id of an item. What is begun again has a trace of its own, so that nothing of an earlier
    attempt, its cost above all, stands among the spans of a later one."""
    again = (attempt,) if attempt else ()
    return _digest("trace", experiment_id, record_id, run_iteration, *again)[:32]


def root_span_id(item: str) -> str:
    return span_id(item, "root", 0)


def span_id(item: str, place: str, number: int) -> str:
    """The id of the span that comes `number`th at a place of an item's tree."""
    return _digest("span", item, place, number)[:16]


def _digest(*parts: Any) -> str:
    found = hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()
    return found if int(found[:16], 16) and int(found[16:32], 16) else _digest(*parts, "again")
