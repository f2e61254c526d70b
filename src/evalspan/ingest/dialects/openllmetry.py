"""OpenLLMetry (Traceloop): `traceloop.*`, and `gen_ai.*` with names of its own.

Older versions flatten messages (`gen_ai.prompt.0.content`); newer ones write those of the
conventions, and show only by `gen_ai.is_streaming` who they are.
"""

from __future__ import annotations

from evalspan import attributes as names
from evalspan.ingest.dialect import Dialect, Flat

DIALECT = Dialect(
    name="openllmetry",
    rank=800,
    marks=(
        "traceloop.",
        "gen_ai.prompt.0.role",
        "gen_ai.prompt.0.content",
        "llm.request.type",
        "gen_ai.is_streaming",
    ),
    fields={
        "span_type": ("traceloop.span.kind", "llm.request.type"),
        "total_tokens": ("llm.usage.total_tokens",),
        "input": (Flat("gen_ai.prompt."), "traceloop.entity.input"),
        "output": (Flat("gen_ai.completion."), "traceloop.entity.output"),
        "session_id": ("traceloop.association.properties.session_id",),
        "user_id": ("traceloop.association.properties.user_id", "gen_ai.user"),
    },
    span_types={
        "workflow": names.WORKFLOW,
        "task": names.TASK,
        "agent": names.AGENT,
        "tool": names.TOOL,
        "chat": names.LLM,
        "completion": names.LLM,
        "embedding": names.EMBEDDING,
        "rerank": names.RERANKER,
    },
)
