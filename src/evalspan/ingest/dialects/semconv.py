"""The GenAI semantic conventions (`gen_ai.*`), today's names and those they were renamed from.

Content may stand in attributes (a JSON string or a structured value) or, as older instrumentations
wrote it, in span events. Every other dialect falls back on this table.
"""

from __future__ import annotations

from typing import Any

from evalspan import attributes as names
from evalspan.ingest import values
from evalspan.ingest.dialect import EVENTS, Dialect, Flat, Made, View

Json = Any

_INPUT_EVENTS = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
_OUTPUT_EVENT = "gen_ai.choice"
_DETAILS_EVENTS = (names.INFERENCE_DETAILS, "gen_ai.content.prompt", "gen_ai.content.completion")


def _with_instructions(view: View) -> Json:
    """The system prompt stands apart from the messages: put it where every reader looks for it."""
    instructions, messages = view.value(names.SYSTEM_INSTRUCTIONS), view.value(names.INPUT_MESSAGES)
    if instructions is None or (messages is not None and not isinstance(messages, list)):
        return None
    parts = instructions if isinstance(instructions, list) else [{"type": "text", "content": instructions}]  # pyright: ignore[reportUnknownVariableType] (JSON)
    return [{"role": "system", "parts": parts}, *(messages or [])]


def _message_events(view: View) -> Json:
    messages = [
        {"role": _INPUT_EVENTS[name], **_event_body(texts, types)}
        for _, name, texts, types, _ in view.events
        if name in _INPUT_EVENTS
    ]
    return messages or _from_events(view, names.INPUT_MESSAGES, "gen_ai.prompt")


def _choice_events(view: View) -> Json:
    choices = [_event_body(texts, types) for _, name, texts, types, _ in view.events if name == _OUTPUT_EVENT]
    return choices or _from_events(view, names.OUTPUT_MESSAGES, "gen_ai.completion")


def _from_events(view: View, *keys: str) -> Json:
    for _, name, texts, _, _ in view.events:
        if name in _DETAILS_EVENTS:
            for key in keys:
                if texts.get(key):
                    return texts[key]
    return None


def _event_body(texts: dict[str, str], types: dict[str, str]) -> dict[str, Json]:
    return {
        key: values.as_json(text, types.get(key, ""))
        for key, text in texts.items()
        if key not in (names.SYSTEM, names.PROVIDER_NAME)
    }


DIALECT = Dialect(
    name="semconv",
    rank=900,
    marks=("gen_ai.",),
    fields={
        "span_type": (names.OPERATION_NAME,),
        "provider": (names.PROVIDER_NAME, names.SYSTEM),
        "request_model": (names.REQUEST_MODEL,),
        "response_model": (names.RESPONSE_MODEL,),
        "response_id": (names.RESPONSE_ID,),
        "finish_reasons": (names.RESPONSE_FINISH_REASONS,),
        "input_tokens": (names.USAGE_INPUT_TOKENS, "gen_ai.usage.prompt_tokens"),
        "output_tokens": (names.USAGE_OUTPUT_TOKENS, "gen_ai.usage.completion_tokens"),
        "total_tokens": ("gen_ai.usage.total_tokens",),
        "cache_read_tokens": (
            names.USAGE_CACHE_READ_TOKENS,
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.details.cache_read_tokens",
        ),
        "cache_write_tokens": (
            names.USAGE_CACHE_WRITE_TOKENS,
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.details.cache_write_tokens",
        ),
        "reasoning_tokens": (
            names.USAGE_REASONING_TOKENS,
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.details.reasoning_tokens",
        ),
        "cost_usd": (names.USAGE_COST,),
        "time_to_first_token": (names.RESPONSE_TIME_TO_FIRST_CHUNK,),
        "session_id": (names.CONVERSATION_ID, names.SESSION_ID),
        "user_id": (names.USER_ID, "enduser.id"),
        "input": (
            Made((names.SYSTEM_INSTRUCTIONS,), _with_instructions),
            names.INPUT_MESSAGES,
            names.TOOL_CALL_ARGUMENTS,
            "gen_ai.prompt",
            Flat("gen_ai.prompt."),
            Made((EVENTS,), _message_events),
        ),
        "output": (
            names.OUTPUT_MESSAGES,
            names.TOOL_CALL_RESULT,
            "gen_ai.completion",
            Flat("gen_ai.completion."),
            Made((EVENTS,), _choice_events),
        ),
    },
    span_types={
        "chat": names.LLM,
        "text_completion": names.LLM,
        "generate_content": names.LLM,
        "embeddings": names.EMBEDDING,
        "execute_tool": names.TOOL,
        "create_agent": names.AGENT,
        "invoke_agent": names.AGENT,
        "invoke_workflow": names.WORKFLOW,
        "plan": names.CHAIN,
        "retrieval": names.RETRIEVER,
        "search_memory": names.RETRIEVER,
        "evaluation": names.EVALUATOR,
    },
)
