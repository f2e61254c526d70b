"""Token counts as OpenAI's chat completions state them, and as the providers that follow it do.

`completion_tokens` includes the reasoning at OpenAI and most others; xAI counts it apart. The total
tells which it is. OpenRouter and xAI also state what they charge for the call, by fields that nobody else
has: a bare `cost` of some gateway could be in any currency.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.shape import integer, mapping, number

_TICKS = 10**10  # to the dollar


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
        a.USAGE_COST: charged(stated),
    }


def charged(stated: dict[str, Any]) -> float | None:
    """US dollars, where a `usage` object states what the call is charged."""
    ticks = number(stated.get("cost_in_usd_ticks"))  # https://docs.x.ai/developers/cost-tracking
    if ticks is not None:
        return ticks / _TICKS
    # https://openrouter.ai/docs/use-cases/usage-accounting; a credit is a dollar.
    cost = number(stated.get("cost"))
    if cost is None or not ("is_byok" in stated or "cost_details" in stated):
        return None
    if not stated.get("is_byok"):
        return float(cost)
    # With a key of one's own at the provider, OpenRouter charges its fee and the provider the call.
    upstream = number(mapping(stated.get("cost_details")).get("upstream_inference_cost"))
    return None if upstream is None else float(cost + upstream)


def _output(stated: dict[str, Any], reasoning: int) -> int | None:
    keys = ("prompt_tokens", "completion_tokens", "total_tokens")
    prompt, completion, total = (integer(stated.get(key)) for key in keys)
    if prompt is not None and completion is not None and total == prompt + completion + reasoning:
        return completion + reasoning
    return completion
