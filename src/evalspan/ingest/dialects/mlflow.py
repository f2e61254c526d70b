"""MLflow tracing: `mlflow.*`. Every value is JSON, so a string stands in quotes of its own.

`mlflow.chat.tokenUsage` repeats what the provider's API said; cached tokens are part of its input.
"""

from __future__ import annotations

from evalspan import attributes as names
from evalspan.ingest.dialect import At, Dialect

_USAGE = "mlflow.chat.tokenUsage"

DIALECT = Dialect(
    name="mlflow",
    rank=300,
    marks=("mlflow.",),
    fields={
        "span_type": ("mlflow.spanType",),
        "provider": ("mlflow.llm.provider",),
        "request_model": ("mlflow.llm.model",),
        "input_tokens": (At(_USAGE, ("input_tokens",)),),
        "output_tokens": (At(_USAGE, ("output_tokens",)),),
        "total_tokens": (At(_USAGE, ("total_tokens",)),),
        "cache_read_tokens": (At(_USAGE, ("cache_read_input_tokens",)),),
        "cache_write_tokens": (At(_USAGE, ("cache_creation_input_tokens",)),),
        "cost_usd": (At("mlflow.llm.cost", ("total_cost",)),),
        "session_id": ("mlflow.trace.session", names.SESSION_ID),
        "user_id": ("mlflow.trace.user", names.USER_ID),
        "input": ("mlflow.spanInputs",),
        "output": ("mlflow.spanOutputs",),
    },
    span_types={
        "llm": names.LLM,
        "chat_model": names.LLM,
        "embedding": names.EMBEDDING,
        "chain": names.CHAIN,
        "agent": names.AGENT,
        "tool": names.TOOL,
        "retriever": names.RETRIEVER,
        "reranker": names.RERANKER,
        "workflow": names.WORKFLOW,
        "task": names.TASK,
        "guardrail": names.GUARDRAIL,
        "evaluator": names.EVALUATOR,
        "parser": names.OTHER,
    },
)
