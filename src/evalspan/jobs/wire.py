"""What the two wires of LLM providers have in common: a request in, a reply out, and why one was refused."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import httpx

from evalspan.jobs.providers import Provider
from evalspan.model import Json


@dataclass(frozen=True)
class Usage:
    """Tokens of one call; the cached ones are part of the input."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0


@dataclass(frozen=True)
class Reply:
    """What a model answered; without usage nobody knows what it used."""

    message: dict[str, Json]
    model: str
    usage: Usage | None

    @property
    def text(self) -> str:
        """The text of the message, of its text parts where it has several."""
        content = self.message.get("content")
        if isinstance(content, str):
            return content
        parts = [mapping(part) for part in cast("list[Any]", content)] if isinstance(content, list) else []
        return "".join(str(part.get("text") or "") for part in parts)


class Wire(ABC):
    """How a provider is spoken to."""

    provider: ClassVar[str]
    """Whose prices hold where the host says nothing."""

    @abstractmethod
    def url(self, provider: Provider) -> str: ...

    @abstractmethod
    def headers(self, key: str) -> dict[str, str]: ...

    @abstractmethod
    def body(
        self, provider: Provider, model: str, messages: list[dict[str, Json]], parameters: dict[str, Json]
    ) -> dict[str, Any]:
        """Raises UsageError for what this wire has no word for."""

    @abstractmethod
    def reply(self, answer: dict[str, Any]) -> Reply:
        """Raises ValueError where the answer is none."""


def complaint(response: httpx.Response) -> str:
    """What a refusal says of itself, in a line."""
    try:
        found = mapping(json.loads(response.content))
    except ValueError:
        found = {}
    error = found.get("error")
    said = mapping(error).get("message") if isinstance(error, dict) else error or found.get("message")
    return str(said or response.text).strip().replace("\n", " ")[:300]


def mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def whole(value: Any) -> int | None:
    """A count of tokens, or None where it is none that a call can have."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else None
