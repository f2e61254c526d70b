"""Langfuse: `langfuse.*`.

The buckets of `usage_details` exclude one another (`input` leaves out cached tokens), while the
conventions count cached tokens as input: they are added up here. What its OpenAI wrapper copies from
the API (`prompt_tokens`, with the cached ones in a nested object) is inclusive already.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from evalspan import attributes as names
from evalspan.ingest.dialect import At, Dialect, Made, View, count

Json = Any

_USAGE = "langfuse.observation.usage_details"
_STARTED = "langfuse.observation.completion_start_time"
_READ = ("input_cached_tokens", "cache_read_input_tokens", "input_cache_read")
_WRITE = ("cache_creation_input_tokens", "input_cache_creation", "cache_write_input_tokens")
_REASONING = ("output_reasoning_tokens", "reasoning_tokens", "output_reasoning")


def _sum(view: View, plain: tuple[str, ...], parts: tuple[str, ...], prefix: str) -> int | None:
    """`plain` (its first name that is there) plus every bucket that is a part of the same side."""
    usage = view.value(_USAGE)
    if not isinstance(usage, dict):
        return None
    buckets: dict[str, Json] = usage  # pyright: ignore[reportUnknownVariableType] (JSON)
    base = next((count(buckets[name]) for name in plain if name in buckets), None)
    extra = [
        count(value)
        for name, value in buckets.items()
        if name not in plain and (name in parts or name.startswith(prefix))
    ]
    known = [number for number in (base, *extra) if number is not None]
    return sum(known) if known else None


def _input(view: View) -> int | None:
    return _sum(view, ("input", "input_tokens", "prompt_tokens"), (*_READ, *_WRITE), "input_")


def _output(view: View) -> int | None:
    return _sum(view, ("output", "output_tokens", "completion_tokens"), _REASONING, "output_")


def _first_token(view: View) -> float | None:
    try:
        moment = datetime.fromisoformat(str(view.value(_STARTED)))
    except ValueError:
        return None
    started = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return started.timestamp() - view.start_ns / 1e9


DIALECT = Dialect(
    name="langfuse",
    rank=200,
    marks=("langfuse.",),
    fields={
        "span_type": ("langfuse.observation.type",),
        "request_model": ("langfuse.observation.model.name",),
        "input_tokens": (Made((_USAGE,), _input),),
        "output_tokens": (Made((_USAGE,), _output),),
        "total_tokens": (At(_USAGE, ("total",)), At(_USAGE, ("total_tokens",))),
        "cache_read_tokens": (
            *(At(_USAGE, (name,)) for name in _READ),
            At(_USAGE, ("prompt_tokens_details", "cached_tokens")),
            At(_USAGE, ("input_tokens_details", "cached_tokens")),
        ),
        "cache_write_tokens": tuple(At(_USAGE, (name,)) for name in _WRITE),
        "reasoning_tokens": (
            *(At(_USAGE, (name,)) for name in _REASONING),
            At(_USAGE, ("completion_tokens_details", "reasoning_tokens")),
            At(_USAGE, ("output_tokens_details", "reasoning_tokens")),
        ),
        "cost_usd": (At("langfuse.observation.cost_details", ("total",)),),
        "time_to_first_token": (Made((_STARTED,), _first_token),),
        "session_id": ("langfuse.session.id", names.SESSION_ID),
        "user_id": ("langfuse.user.id", names.USER_ID),
        "input": ("langfuse.observation.input", "langfuse.trace.input"),
        "output": ("langfuse.observation.output", "langfuse.trace.output"),
    },
    span_types={
        "generation": names.LLM,
        "embedding": names.EMBEDDING,
        "agent": names.AGENT,
        "tool": names.TOOL,
        "chain": names.CHAIN,
        "retriever": names.RETRIEVER,
        "evaluator": names.EVALUATOR,
        "guardrail": names.GUARDRAIL,
    },
)
