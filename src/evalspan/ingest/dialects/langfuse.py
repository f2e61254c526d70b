"""Langfuse: `langfuse.*`.

The buckets of `usage_details` exclude one another (`input` leaves out cached tokens), while the
conventions count cached tokens as input: they are added up here.
"""

from __future__ import annotations

from datetime import datetime
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
    extra = [count(value) for name, value in buckets.items() if name in parts or name.startswith(prefix)]
    known = [number for number in (base, *extra) if number is not None]
    return sum(known) if known else None


def _input(view: View) -> int | None:
    return _sum(view, ("input", "input_tokens", "prompt_tokens"), (*_READ, *_WRITE), "input_")


def _output(view: View) -> int | None:
    return _sum(view, ("output", "output_tokens", "completion_tokens"), _REASONING, "output_")


def _first_token(view: View) -> float | None:
    moment = view.value(_STARTED)
    try:
        started = datetime.fromisoformat(str(moment))
    except ValueError:
        return None
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
        "total_tokens": (At(_USAGE, ("total",)),),
        "cache_read_tokens": tuple(At(_USAGE, (name,)) for name in _READ),
        "cache_write_tokens": tuple(At(_USAGE, (name,)) for name in _WRITE),
        "reasoning_tokens": tuple(At(_USAGE, (name,)) for name in _REASONING),
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
