"""Pydantic Logfire, pydantic-ai and pydantic-evals: `gen_ai.*` plus attributes without a namespace.

Logfire's OpenAI spans have cached and reasoning tokens only in `gen_ai.usage.raw`, a copy of what
the API said.
"""

from __future__ import annotations

from evalspan.ingest.dialect import At, Dialect

_RAW = "gen_ai.usage.raw"

DIALECT = Dialect(
    name="logfire",
    rank=600,
    marks=("logfire.msg_template", "logfire.span_type"),
    scopes=("pydantic-evals", "pydantic-ai", "logfire", "logfire."),
    fields={
        "request_model": (At("request_data", ("model",)),),
        "cache_read_tokens": (
            At(_RAW, ("prompt_tokens_details", "cached_tokens")),
            At(_RAW, ("input_tokens_details", "cached_tokens")),
        ),
        "reasoning_tokens": (
            At(_RAW, ("completion_tokens_details", "reasoning_tokens")),
            At(_RAW, ("output_tokens_details", "reasoning_tokens")),
        ),
        "cost_usd": ("operation.cost",),
        "input": (
            "gen_ai.input.messages",
            "pydantic_ai.all_messages",
            "all_messages_events",
            "request_data",
            "inputs",
            "prompt",
            "events",
        ),
        "output": ("gen_ai.output.messages", "final_result", "response_data", "output"),
    },
)
