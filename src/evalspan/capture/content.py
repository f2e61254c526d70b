"""Whether prompts and answers are recorded, and where.

`OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` decides wherever it is set. Unset, content is
recorded inside an evalspan experiment (one cannot judge what one cannot read) and nowhere else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from opentelemetry import baggage

from evalspan import attributes as a
from evalspan.capture.trouble import note

VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


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


def wanted() -> Content:
    """Where the content of a call that starts now goes."""
    mode = os.environ.get(VARIABLE, "").strip().upper()
    if not mode:
        return _MODES["SPAN_ONLY" if baggage.get_baggage(a.EXPERIMENT_ID) else "NO_CONTENT"]
    if mode not in _MODES:
        # As the OpenTelemetry GenAI utilities do: in doubt nothing is recorded.
        note(f"unknown {VARIABLE}", f"{mode!r} is none of {', '.join(_MODES)}; no content is recorded")
    return _MODES.get(mode, _MODES["NO_CONTENT"])
