"""The redaction of spans that are not ours, when they are taken for delivery.

What other instrumentations record was never shown to the redaction; the attributes in which they are
known to keep content are, and so is what an error said. It reaches what evalspan delivers: exporters
that the app added itself get the spans as they were made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Status

from evalspan import attributes as a
from evalspan.capture import content
from evalspan.model import dump

_OURS = frozenset({"evalspan", "evalspan.capture"})  # these were redacted when they were made
# Where the dialects that the service reads keep what was said; a prefix stands for all below it.
_CONTENT = frozenset({
    a.INPUT_MESSAGES, a.OUTPUT_MESSAGES, a.SYSTEM_INSTRUCTIONS, a.TOOL_DEFINITIONS, a.TOOL_CALL_ARGUMENTS,
    a.TOOL_CALL_RESULT, a.INPUT, a.OUTPUT, a.EXPECTED_OUTPUT, a.EVALUATION_EXPLANATION,
    "input", "output", "content", "message", "request_data", "response_data", "all_messages_events",
    "final_result", "tool_arguments", "tool_response",
})  # fmt: skip
_PREFIXES = (
    a.PROMPT, a.COMPLETION, a.EVENT_CONTENT, "input.value", "output.value",
    "llm.input_messages", "llm.output_messages", "llm.prompt", "llm.completions", "llm.tools",
    "llm.function_call", "llm.invocation_parameters", "llm.request.functions", "embedding.", "retrieval.",
    "reranker.",
    "tool.parameters", "tool.description", "document.", "traceloop.entity.", "langfuse.observation.input",
    "langfuse.observation.output", "langfuse.trace.input", "langfuse.trace.output", "mlflow.spanInputs",
    "mlflow.spanOutputs", "braintrust.input", "braintrust.output", "braintrust.expected", "ai.prompt",
    "ai.response", "ai.toolCall", "pydantic_ai.all_messages",
)  # fmt: skip


def is_needed(span: ReadableSpan) -> bool:
    """Whether a redaction is set that this span has not seen."""
    scope = span.instrumentation_scope
    return content.is_redacting() and (scope is None or scope.name not in _OURS)


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with the content among them as the redaction leaves it."""
    found = {name: _shown(value) if _is_content(name) else value for name, value in values.items()}
    return {name: value for name, value in found.items() if value is not None}


def shown_events(events: Sequence[Event]) -> list[Event]:
    """Events likewise. Of an exception the stack trace is left out: it quotes what nobody showed."""
    return [Event(event.name, _event_values(event), event.timestamp) for event in events]


def shown_status(status: Status) -> Status:
    """A status with what its description may say."""
    return Status(status.status_code, content.told(status.description)) if status.description else status


def _event_values(event: Event) -> dict[str, Any]:
    values = shown(event.attributes or {})
    if event.name == a.EXCEPTION_EVENT:
        values.pop(a.EXCEPTION_STACKTRACE, None)
        values[a.EXCEPTION_MESSAGE] = content.told(str(values.get(a.EXCEPTION_MESSAGE, "")))
    return values


def _is_content(name: str) -> bool:
    return name in _CONTENT or name.startswith(_PREFIXES)


def _shown(value: Any) -> Any:
    """A text, as the JSON that it holds if it does; numbers are no content."""
    if isinstance(value, str):
        try:
            found = content.redacted(json.loads(value))
        except ValueError:
            found = content.redacted(value)
            return found if isinstance(found, str) or found is None else dump(found)
        return None if found is None else dump(found)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [item for item in map(_shown, value) if item is not None]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] (of an attribute)
    return value
