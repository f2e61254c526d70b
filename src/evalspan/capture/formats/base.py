"""What a wire format has to offer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from opentelemetry.util.types import AttributeValue

from evalspan.model import Json


@dataclass(frozen=True)
class Half:
    """One half of a call, the request or the answer, in the names of the GenAI conventions.

    An `error.type` among the attributes of an answer makes the call a failed one.
    """

    attributes: dict[str, AttributeValue] = field(default_factory=dict[str, AttributeValue])
    content: dict[str, Json] = field(default_factory=dict[str, Json])
    """What people wrote and models answered: recorded only where content is wanted."""


class Format(Protocol):
    """One wire format."""

    @property
    def path(self) -> re.Pattern[str]:
        """Found in the path (without a trailing slash) of this format's requests."""
        ...

    @property
    def operation(self) -> str:
        """`gen_ai.operation.name`."""
        ...

    @property
    def provider(self) -> str:
        """Whose format it is: the provider at hosts that we do not know."""
        ...

    def request(self, body: Json, path: str) -> Half | None:
        """What was asked; `body` is None where it cannot be read.

        None where this is no such request after all: many an application has a path like `/api/chat`.
        """
        ...

    def response(self, body: Json) -> Half:
        """What was answered."""
        ...

    def assemble(self, events: Iterable[Json]) -> Json:
        """The answer that a stream of events adds up to, in the shape that `response` reads."""
        ...
