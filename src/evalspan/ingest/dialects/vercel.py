"""The Vercel AI SDK's `ai.*` attributes (v4-v6; v7 writes `gen_ai.*`).

`ai.generateText` wraps `ai.generateText.doGenerate` and restates its usage: only the inner one is
an LLM span.
"""

from __future__ import annotations

from evalspan import attributes as names
from evalspan.ingest.dialect import Dialect, Made, View, amount


def _provider(view: View) -> str | None:
    return view.texts.get("ai.model.provider", "").partition(".")[0] or None  # "openai.chat"


def _first_chunk(view: View) -> float | None:
    milliseconds = amount(view.texts.get("ai.response.msToFirstChunk"))
    return None if milliseconds is None else milliseconds / 1000


DIALECT = Dialect(
    name="vercel",
    rank=500,
    marks=("ai.operationId",),
    scopes=("ai",),
    fields={
        "span_type": ("ai.operationId",),
        "provider": (names.PROVIDER_NAME, names.SYSTEM, Made(("ai.model.provider",), _provider)),
        "request_model": (names.REQUEST_MODEL, "ai.model.id"),
        "response_model": (names.RESPONSE_MODEL, "ai.response.model"),
        "response_id": (names.RESPONSE_ID, "ai.response.id"),
        "finish_reasons": (names.RESPONSE_FINISH_REASONS, "ai.response.finishReason"),
        "input_tokens": (
            names.USAGE_INPUT_TOKENS,
            "ai.usage.inputTokens",
            "ai.usage.promptTokens",
            "ai.usage.tokens",
        ),
        "output_tokens": (names.USAGE_OUTPUT_TOKENS, "ai.usage.outputTokens", "ai.usage.completionTokens"),
        "total_tokens": ("ai.usage.totalTokens",),
        "cache_read_tokens": ("ai.usage.cachedInputTokens",),
        "reasoning_tokens": ("ai.usage.reasoningTokens",),
        "time_to_first_token": (Made(("ai.response.msToFirstChunk",), _first_chunk),),
        "session_id": ("ai.telemetry.metadata.sessionId",),
        "user_id": ("ai.telemetry.metadata.userId",),
        "input": ("ai.prompt.messages", "ai.prompt", "ai.toolCall.args", "ai.values", "ai.value"),
        "output": (
            "ai.response.text",
            "ai.response.object",
            "ai.response.toolCalls",
            "ai.toolCall.result",
            "ai.result.text",
            "ai.result.object",
        ),
    },
    span_types={
        "ai.generatetext.dogenerate": names.LLM,
        "ai.streamtext.dostream": names.LLM,
        "ai.generateobject.dogenerate": names.LLM,
        "ai.streamobject.dostream": names.LLM,
        "ai.embed.doembed": names.EMBEDDING,
        "ai.embedmany.doembed": names.EMBEDDING,
        "ai.toolcall": names.TOOL,
        "ai.generatetext": names.CHAIN,
        "ai.streamtext": names.CHAIN,
        "ai.generateobject": names.CHAIN,
        "ai.streamobject": names.CHAIN,
        "ai.embed": names.CHAIN,
        "ai.embedmany": names.CHAIN,
    },
)
