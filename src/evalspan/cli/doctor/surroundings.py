"""What is wrong before anything is sent: packages, and variables that switch recording off.

evalspan's own provider takes everything whatever OpenTelemetry's variables say of samplers and
limits; a provider that the app made obeys them, and the app's spans and LLM calls are its spans.
"""

from __future__ import annotations

import difflib
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Final

from packaging.requirements import Requirement

from evalspan.cli.doctor.finding import Finding, ok, problem, warning
from evalspan.settings import PREFIX, Settings, environment_name

_SAMPLE_ALL: Final = frozenset({"", "always_on", "parentbased_always_on"})
_COUNT_LIMITS: Final = (
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
)  # fmt: skip
_LENGTH_LIMITS: Final = (
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
)  # fmt: skip
_USUAL_COUNT: Final = 128  # the limit where none is set


def packages() -> Iterator[Finding]:
    """Whether what is installed is what evalspan asks for."""
    wrong = False
    for requirement in map(Requirement, requires("evalspan") or ()):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        found = _installed(requirement.name)
        if not requirement.specifier.contains(found or "0", prereleases=True):
            wrong = True
            yield problem(
                "packages",
                f"{requirement.name} is {found or 'not installed'}, evalspan needs {requirement.specifier}.",
                f"pip install --upgrade '{requirement.name}{requirement.specifier}'",
            )
    if not wrong:
        yield ok(
            "packages",
            f"evalspan {version('evalspan')}, Python {platform.python_version()}, "
            f"opentelemetry-sdk {version('opentelemetry-sdk')}.",
        )


def variables(environ: Mapping[str, str]) -> list[Finding]:
    """Whether a variable keeps telemetry from being recorded whole."""
    found = [*_otel(environ), *_limits(environ), *_ours(environ)]
    return found or [ok("variables", "No variable turns recording off or cuts it.")]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _otel(environ: Mapping[str, str]) -> Iterator[Finding]:
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        yield problem(
            "variables", "OTEL_SDK_DISABLED=true: nothing is recorded at all.", "Unset it for this program."
        )
    sampler = environ.get("OTEL_TRACES_SAMPLER", "").strip().lower()
    if sampler not in _SAMPLE_ALL:
        yield problem(
            "variables",
            f"OTEL_TRACES_SAMPLER={sampler}: experiments lose spans of the app's own tracer provider.",
            "Unset it, or set it to always_on where experiments run.",
        )
    disabled = environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "")
    off = {name.strip() for name in disabled.split(",")} & {"evalspan", "httpx", "*"}
    if off:
        yield warning(
            "variables",
            f"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS={disabled}: `opentelemetry-instrument` leaves out "
            f"{', '.join(sorted(off))}, so LLM calls are not recorded by it.",
            "Take it from the list, or call evalspan.init() in the program.",
        )
    propagators = environ.get("OTEL_PROPAGATORS", "")
    if propagators and "tracecontext" not in propagators:
        yield warning(
            "variables",
            f"OTEL_PROPAGATORS={propagators}: no traceparent is sent, so spans of other services do not "
            "join their case.",
            "Add tracecontext.",
        )


def _limits(environ: Mapping[str, str]) -> Iterator[Finding]:
    for name in _LENGTH_LIMITS:
        if environ.get(name, "").strip():
            yield warning(
                "variables",
                f"{name}={environ[name]}: prompts, answers and JSON of the app's own spans are cut there.",
                "Unset it where experiments run.",
            )
    for name in _COUNT_LIMITS:
        value = environ.get(name, "").strip()
        if value.isdigit() and int(value) < _USUAL_COUNT:
            yield warning(
                "variables",
                f"{name}={value}: the app's own spans keep that many and drop the rest, ids included.",
                f"Unset it, or set it to {_USUAL_COUNT} or more.",
            )


def _ours(environ: Mapping[str, str]) -> Iterator[Finding]:
    known = [environment_name(name) for name in Settings.model_fields]
    for name in environ:
        if name.startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, 1)
            yield warning(
                "variables",
                f"{name} is no setting of evalspan, so it does nothing.",
                f"Did you mean {close[0]}?" if close else "docs/settings.md lists them all.",
            )
    if environ.get(environment_name("capture"), "").strip().lower() in {"0", "false", "off", "no"}:
        yield warning("variables", "EVALSPAN_CAPTURE is off: LLM calls are not recorded.", "Unset it.")
    if environ.get(environment_name("capture_content"), "").strip() == "off":
        yield warning(
            "variables", "EVALSPAN_CAPTURE_CONTENT=off: prompts and answers are not recorded.", "Unset it."
        )
