"""Pydantic Logfire, pydantic-ai and pydantic-evals: `gen_ai.*` plus attributes without a namespace."""

from __future__ import annotations

from evalspan.ingest.dialect import At, Dialect

DIALECT = Dialect(
    name="logfire",
    rank=600,
    marks=("logfire.msg_template", "logfire.span_type"),
    scopes=("pydantic-evals", "pydantic-ai", "logfire", "logfire."),
    fields={
        "request_model": (At("request_data", ("model",)),),
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
