"""One version of a prompt: its messages, what it may be filled with, and how the model is asked.

A version is a draft until it is committed, deployed on its creation, or followed by another one;
from then on nothing of it changes, so that what an experiment ran can be run again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from evalspan.experiments import slips
from evalspan.experiments.entity import Moment
from evalspan.model import Json

VARIABLE_TYPES: Final = frozenset({"string", "number", "boolean", "object", "array"})
_ASKED: Final = (
    "temperature", "max_tokens", "top_p", "frequency_penalty", "presence_penalty", "reasoning_effort",
    "verbosity", "seed", "stop", "thinking", "tools", "tool_choice",
)  # fmt: skip


class Message(BaseModel):
    """One message; other keys than these two (`name`, `tool_calls`, ...) are kept as they are."""

    model_config = ConfigDict(extra="allow")

    role: str = Field(min_length=1)
    content: str | list[dict[str, Json]] | None = None


class PromptContent(BaseModel):
    """What the author of a version says."""

    model_config = ConfigDict(extra="ignore")

    messages: list[Message] = Field(min_length=1)
    variables: dict[str, Json] = {}
    """Name -> a type (`string`, `number`, `boolean`, `object`, `array`), or a default value."""
    description: str = ""
    model: str = ""
    stream: bool = False
    temperature: float | None = None
    max_tokens: int | None = Field(default=None, gt=0)
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    seed: int | None = None
    stop: list[str] | str | None = None
    thinking: dict[str, Json] | None = None
    fallback_models: list[str] = []
    load_balance_models: list[dict[str, Json]] = []
    tools: list[dict[str, Json]] | None = None
    tool_choice: str | dict[str, Json] | None = None
    response_format: dict[str, Json] | None = None
    json_schema: dict[str, Json] | None = None
    is_enforcing_response_format: bool = False

    @field_validator(
        "variables", "description", "model", "stream", "fallback_models", "load_balance_models",
        "is_enforcing_response_format", mode="before",
    )  # fmt: skip
    @classmethod
    def _null_is_the_default(cls, value: Any, info: Any) -> Any:
        """Clients send null for what they do not state."""
        return cls.model_fields[info.field_name].get_default() if value is None else value

    def parameters(self) -> dict[str, Json]:
        """What goes to the model beside the messages; only what was stated."""
        stated = {name: getattr(self, name) for name in _ASKED if getattr(self, name) is not None}
        if self.response_format is not None:
            stated["response_format"] = self.response_format
        elif self.json_schema is not None and self.is_enforcing_response_format:
            schema = {"name": "answer", "schema": self.json_schema, "strict": True}
            stated["response_format"] = {"type": "json_schema", "json_schema": schema}
        return stated


def check_names(fields: Iterable[str]) -> None:
    """Raises UsageError where a field is nearly one of a version's."""
    slips.refuse(fields, PromptContent.model_fields, {*PromptVersion.model_fields, "deploy"})


class PromptVersion(PromptContent):
    """A version as it stands."""

    prompt_id: str
    prompt_slug: str
    prompt_name: str
    project_id: str
    version_id: str
    version: int
    """From 1, in the order of creation; the number of a removed version is not given again."""
    readonly: bool
    is_deployed: bool
    created_at: Moment
    updated_at: Moment
