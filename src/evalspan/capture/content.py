"""Whether prompts, answers, inputs and outputs are recorded, where, and in which form.

`capture_content` on or off decides. On `auto` the variable
`OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` does where it is set, and where it is not,
content is recorded inside an evalspan experiment (one cannot judge what one cannot read) and nowhere
else. A redaction that fails drops the content: what nobody could check does not leave.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from opentelemetry import baggage

from evalspan import attributes as a
from evalspan.capture.trouble import note
from evalspan.model import Json, dump
from evalspan.secrets import masked, may_hold_secrets

VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"

Mode = Literal["auto", "on", "off"]
Redact = Callable[[Json], Json]
"""Given what would be recorded, as JSON has it, returns what may be; None where nothing may."""


@dataclass(frozen=True)
class Content:
    """Where the content of a call goes."""

    on_span: bool
    on_event: bool


_MODES = {
    "NO_CONTENT": Content(on_span=False, on_event=False),
    "SPAN_ONLY": Content(on_span=True, on_event=False),
    "EVENT_ONLY": Content(on_span=False, on_event=True),
    "SPAN_AND_EVENT": Content(on_span=True, on_event=True),
}
_mode: Mode = "auto"
_redact: Redact | None = None


def configure(mode: Mode = "auto", redact: Redact | None = None) -> None:
    """Set the policy of this process."""
    global _mode, _redact
    _mode, _redact = mode, redact


def wanted() -> Content:
    """Where the content of a call that starts now goes."""
    if _mode == "off":
        return _MODES["NO_CONTENT"]
    stated = _stated()
    if _mode == "on":
        return stated if stated and (stated.on_span or stated.on_event) else _MODES["SPAN_ONLY"]
    return stated or _MODES["SPAN_ONLY" if baggage.get_baggage(a.EXPERIMENT_ID) else "NO_CONTENT"]


def _stated() -> Content | None:
    mode = os.environ.get(VARIABLE, "").strip().upper()
    if not mode:
        return None
    if mode not in _MODES:
        # As the OpenTelemetry GenAI utilities do: in doubt nothing is recorded.
        note(f"unknown {VARIABLE}", f"{mode!r} is none of {', '.join(_MODES)}; no content is recorded")
    return _MODES.get(mode, _MODES["NO_CONTENT"])


def redacted(value: Json) -> Json:
    """What may be recorded of a value; None where nothing may."""
    if _redact is None:
        return value
    try:
        return _redact(json.loads(dump(value)))  # a copy: a redaction in place is not the app's loss
    except Exception as error:
        # Its message may quote what was to be hidden.
        note("redaction failed, content dropped", type(error).__qualname__)
        return None


def recordable(value: Json) -> str | None:
    """A value of the app as the JSON text to record, secrets masked; None where nothing may be."""
    text = dump(value)
    if _redact is None and not may_hold_secrets(text):
        return text
    found = redacted(masked(json.loads(text)))
    return None if found is None and value is not None else dump(found)


def shown(value: Json) -> str | None:
    """A value of the user's own as the JSON text to record; None where the redaction lets nothing be."""
    if _redact is None or value is None:
        return dump(value)
    found = redacted(value)
    return None if found is None else dump(found)


def told(message: str) -> str:
    """What an error may say of itself: its message as the redaction leaves it, or nothing."""
    if _redact is None:
        return message
    found = redacted(message)
    return found if isinstance(found, str) else ""


def is_redacting() -> bool:
    """Whether a redaction is set, so that text nobody showed it (a stack trace) must stay."""
    return _redact is not None
