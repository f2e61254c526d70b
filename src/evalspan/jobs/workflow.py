"""What an experiment does with each record: steps in order, the output of one being the input of the next.

A step that waits stands alone: its output is handed in later, by whoever ran the record elsewhere.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from evalspan.errors import UsageError
from evalspan.model import Json


class PromptStep(BaseModel):
    """The input's variables into a prompt, and the prompt to its model."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["prompt"] = "prompt"
    prompt: str = Field(min_length=1)
    """An id or a slug."""
    version: int | None = None
    """None: the deployed one."""


class CompletionStep(BaseModel):
    """The input's messages to a model. An input that is no list of messages becomes a user's message."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["completion"] = "completion"
    model: str = Field(min_length=1)
    temperature: float | None = None
    max_tokens: int | None = Field(default=None, gt=0)
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: list[str] | str | None = None
    n: int | None = Field(default=None, ge=1, le=32)
    seed: int | None = None
    response_format: dict[str, Json] | None = None
    tools: list[dict[str, Json]] | None = None
    tool_choice: str | dict[str, Json] | None = None
    reasoning_effort: str | None = None

    def parameters(self) -> dict[str, Json]:
        """What goes to the model beside the messages; only what was stated."""
        return self.model_dump(exclude={"type", "model"}, exclude_none=True)


class WaitStep(BaseModel):
    """The output comes from elsewhere (`Jobs.submit_output`). What else it says is kept and not enforced."""

    model_config = ConfigDict(extra="allow")

    type: Literal["wait"] = "wait"


class DuplicateStep(BaseModel):
    """The output that the row holds already (`experiments.rows.extras`), to be judged."""

    model_config = ConfigDict(extra="allow")

    type: Literal["duplicate"] = "duplicate"


Step = Annotated[PromptStep | CompletionStep | WaitStep | DuplicateStep, Field(discriminator="type")]


def check(steps: list[Any]) -> None:
    """Raises UsageError where steps do not go together."""
    waiting = [step for step in steps if isinstance(step, WaitStep)]
    if waiting and len(steps) > 1:
        raise UsageError(
            f"A step that waits for submitted outputs stands alone; there are {len(steps)} steps.",
            pointer="/workflow",
        )
