"""OpenInference (Arize Phoenix and its instrumentations): `openinference.span.kind`, `llm.*`.

Messages are flattened (`llm.input_messages.0.message.role`). Token counts include cached tokens.
"""

from __future__ import annotations

from evalspan import attributes as names
from evalspan.ingest.dialect import EVENTS, Dialect, Flat, Made, View

_FIRST_TOKEN = "First Token Stream Event"


def _first_token(view: View) -> float | None:
    times = [time for time, name, _, _, _ in view.events if name == _FIRST_TOKEN]
    return (min(times) - view.start_ns) / 1e9 if times else None


DIALECT = Dialect(
    name="openinference",
    rank=100,
    marks=("openinference.span.kind",),
    fields={
        "span_type": ("openinference.span.kind",),
        "provider": ("llm.provider", "llm.system"),
        "request_model": (
            "llm.request.model_name",
            "llm.model_name",
            "embedding.model_name",
            "reranker.model_name",
        ),
        "response_model": ("llm.response.model_name", "llm.model_name", "embedding.model_name"),
        "response_id": ("llm.response.id",),
        "finish_reasons": ("llm.finish_reason", "llm.response.finish_reason"),
        "input_tokens": ("llm.token_count.prompt",),
        "output_tokens": ("llm.token_count.completion",),
        "total_tokens": ("llm.token_count.total",),
        "cache_read_tokens": (
            "llm.token_count.prompt_details.cache_read",
            "llm.token_count.prompt_details.cache_input",
        ),
        "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
        "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
        "cost_usd": ("llm.cost.total",),
        "time_to_first_token": (Made((EVENTS,), _first_token),),
        "session_id": (names.SESSION_ID,),
        "user_id": (names.USER_ID,),
        "input": (
            Flat("llm.input_messages.", unwrap="message"),
            "input.value",
            Flat("embedding.embeddings."),
        ),
        "output": (
            Flat("llm.output_messages.", unwrap="message"),
            "output.value",
            Flat("retrieval.documents.", unwrap="document"),
        ),
    },
    span_types={
        "llm": names.LLM,
        "chain": names.CHAIN,
        "agent": names.AGENT,
        "tool": names.TOOL,
        "retriever": names.RETRIEVER,
        "embedding": names.EMBEDDING,
        "reranker": names.RERANKER,
        "guardrail": names.GUARDRAIL,
        "evaluator": names.EVALUATOR,
        "prompt": names.OTHER,
        "decision": names.OTHER,
        "unknown": names.OTHER,
    },
)
