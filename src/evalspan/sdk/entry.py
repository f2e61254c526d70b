"""The zero-code start: what `opentelemetry-instrument python app.py` finds of evalspan.

Other instrumentations are loaded in no particular order, and the app's own of httpx must stay the one
that makes the HTTP spans. So evalspan only notes that it is wanted, and starts after all of them.
Nothing here raises: an error in one instrumentor would keep the rest from being loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from evalspan.sdk import lifecycle

_log = logging.getLogger("evalspan")
_noted: dict[str, Any] | None = None


class EvalspanInstrumentor(BaseInstrumentor):
    """`EvalspanInstrumentor().instrument()` is `evalspan.init()`, for tools that load instrumentors."""

    def instrumentation_dependencies(self) -> Collection[str]:
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        _start(kwargs)

    def _uninstrument(self, **kwargs: Any) -> None:
        from evalspan import capture

        capture.uninstall()
        lifecycle.shutdown()


class AutoInstrumentor(EvalspanInstrumentor):
    """The same for `opentelemetry-instrument`, where the start waits for `after_all`."""

    def _instrument(self, **kwargs: Any) -> None:
        global _noted
        _noted = kwargs


def after_all() -> None:
    """Starts, once every instrumentor is loaded, unless evalspan was left out."""
    if _noted is not None:
        _start(_noted)


def _start(given: dict[str, Any]) -> None:
    try:
        lifecycle.start(given.get("tracer_provider"))
    except Exception:
        _log.exception("evalspan could not start; the app goes on without it.")
