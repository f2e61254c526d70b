"""Token counts as OpenAI's chat completions state them, and as the providers that follow it do.

`completion_tokens` includes the reasoning at OpenAI and most others; xAI counts it apart. The total
tells which it is.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.shape import integer, mapping


def usage(stated: dict[str, Any]) -> dict[str, AttributeValue | None]:
    """The counts of a `usage` object."""
    prompt = mapping(stated.get("prompt_tokens_details"))
    reasoning = integer(mapping(stated.get("completion_tokens_details")).get("reasoning_tokens"))
    read = (
        prompt.get("cached_tokens"),
        stated.get("prompt_cache_hit_tokens"),  # DeepSeek
        stated.get("cached_tokens"),  # Moonshot
    )
    return {
        a.USAGE_INPUT_TOKENS: integer(stated.get("prompt_tokens")),
        a.USAGE_OUTPUT_TOKENS: _output(stated, reasoning or 0),
        a.USAGE_CACHE_READ_TOKENS: next((n for n in map(integer, read) if n is not None), None),
        a.USAGE_CACHE_WRITE_TOKENS: integer(prompt.get("cache_write_tokens")),
        a.USAGE_REASONING_TOKENS: reasoning,
    }


def _output(stated: dict[str, Any], reasoning: int) -> int | None:
    keys = ("prompt_tokens", "completion_tokens", "total_tokens")
    prompt, completion, total = (integer(stated.get(key)) for key in keys)
    if prompt is not None and completion is not None and total == prompt + completion + reasoning:
        return completion + reasoning
    return completion
