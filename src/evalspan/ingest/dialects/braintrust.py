"""Braintrust: `braintrust.*`, nearly all of it JSON in a few attributes."""

from __future__ import annotations

from evalspan import attributes as names
from evalspan.ingest.dialect import At, Dialect

_METRICS = "braintrust.metrics"
_METADATA = "braintrust.metadata"

DIALECT = Dialect(
    name="braintrust",
    rank=400,
    # braintrust.parent alone is baggage that its SDK copies onto everybody's spans.
    marks=("braintrust.span_attributes", _METRICS, "braintrust.input_json", "braintrust.output_json"),
    fields={
        "span_type": (At("braintrust.span_attributes", ("type",)),),
        "provider": (names.PROVIDER_NAME, names.SYSTEM, At(_METADATA, ("provider",))),
        "request_model": (names.REQUEST_MODEL, At(_METADATA, ("model",))),
        "input_tokens": (At(_METRICS, ("prompt_tokens",)),),
        "output_tokens": (At(_METRICS, ("completion_tokens",)),),
        "total_tokens": (At(_METRICS, ("tokens",)),),
        "cache_read_tokens": (At(_METRICS, ("prompt_cached_tokens",)),),
        "cache_write_tokens": (At(_METRICS, ("prompt_cache_creation_tokens",)),),
        "reasoning_tokens": (At(_METRICS, ("completion_reasoning_tokens",)),),
        "time_to_first_token": (At(_METRICS, ("time_to_first_token",)),),
        "input": ("braintrust.input_json", "braintrust.input"),
        "output": ("braintrust.output_json", "braintrust.output"),
    },
    span_types={
        "llm": names.LLM,
        "task": names.TASK,
        "score": names.EVALUATOR,
        "tool": names.TOOL,
        "function": names.OTHER,
        "eval": names.OTHER,
    },
)
