"""LangSmith's OpenTelemetry exporter: `langsmith.*` around `gen_ai.*`.

`langsmith.trace.session_id` is a project, not a conversation, and so is not read as a session. Its
`gen_ai.usage.*_token_details` are Python's `repr` of a dict (seen in 0.14.17), so the details are
read from the JSON of the run's metadata.
"""

from __future__ import annotations

from evalspan import attributes as names
from evalspan.ingest.dialect import At, Dialect

_USAGE = "langsmith.metadata.usage_metadata"

DIALECT = Dialect(
    name="langsmith",
    rank=450,
    marks=("langsmith.",),
    fields={
        "span_type": ("langsmith.span.kind",),
        "cache_read_tokens": (
            names.USAGE_CACHE_READ_TOKENS,
            At(_USAGE, ("input_token_details", "cache_read")),
        ),
        "cache_write_tokens": (
            names.USAGE_CACHE_WRITE_TOKENS,
            At(_USAGE, ("input_token_details", "cache_creation")),
        ),
        "reasoning_tokens": (
            names.USAGE_REASONING_TOKENS,
            At(_USAGE, ("output_token_details", "reasoning")),
        ),
        "session_id": ("langsmith.metadata.session_id", "langsmith.metadata.thread_id"),
        "user_id": ("langsmith.metadata.user_id",),
    },
    span_types={
        "llm": names.LLM,
        "embedding": names.EMBEDDING,
        "chain": names.CHAIN,
        "tool": names.TOOL,
        "retriever": names.RETRIEVER,
        "prompt": names.OTHER,
        "parser": names.OTHER,
    },
)
