"""`evalspan doctor`: what is wrong with a setup, a line for each check."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict

import click
import httpx
from opentelemetry.instrumentation.utils import suppress_instrumentation

from evalspan import settings as settings_module
from evalspan import trust
from evalspan.cli.doctor import address, surroundings
from evalspan.cli.doctor.finding import Finding, problem
from evalspan.cli.doctor.local_store import local_store
from evalspan.cli.doctor.probe import probe
from evalspan.cli.doctor.service import Service
from evalspan.cli.options import settings_options
from evalspan.errors import UsageError
from evalspan.settings import Settings


@click.command()
@settings_options("endpoint", "api_key")
@click.option("--json", "as_json", is_flag=True, help="A JSON list instead of lines.")
@click.option("--no-probe", is_flag=True, help="Send nothing; by default a span and a log record are sent.")
@click.option(
    "--wait", type=click.FloatRange(min=0), default=20.0, show_default=True,
    help="Seconds in which what was sent must be in the store; a Collector may hold it for some.",
)  # fmt: skip
def doctor(as_json: bool, no_probe: bool, wait: float, **given: str | None) -> None:
    """Say what is wrong with a setup, from this machine to the service's store.

    Ends with 1 where there is a problem; warnings do not change that.
    """
    findings: list[Finding] = []
    with suppress_instrumentation():
        for finding in examine(given, None if no_probe else wait):
            findings.append(finding)
            if not as_json:
                click.echo(str(finding))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    sys.exit(1 if any(finding.state == "problem" for finding in findings) else 0)


def examine(given: dict[str, str | None], wait: float | None) -> Iterator[Finding]:
    """Every check, from the inside out; what cannot work after a problem is left out.

    Args:
        wait: how long the probe may take to arrive; None sends none.
    """
    yield from surroundings.packages()
    yield from surroundings.variables(os.environ)
    try:
        settings = settings_module.load(given)
    except UsageError as error:
        yield problem("settings", str(error), "docs/settings.md has them all.")
        return
    try:
        trust.verify()
    except UsageError as error:
        yield problem("certificate", str(error), "Name a file in PEM form, or unset the variable.")
        return
    reached = True
    for finding in address.endpoint(settings.endpoint):
        reached = reached and finding.state != "problem"
        yield finding
    yield from _beyond(settings, reached, wait)
    yield from _here(settings, given, reached)


def _beyond(settings: Settings, reached: bool, wait: float | None) -> Iterator[Finding]:
    if not reached:
        if wait is not None and _otlp_elsewhere():
            yield from probe(settings, None, 0)
        return
    with closing(Service(settings.endpoint, settings.api_key)) as service:
        try:
            yield from service.checks()
            if wait is not None:
                yield from probe(settings, service, wait)
        except httpx.HTTPError as error:
            yield problem("endpoint", f"The service stopped answering: {error}.", "Look at its log.")


def _otlp_elsewhere() -> bool:
    """Whether telemetry goes to another place than the service, which may be fine by itself."""
    return any(name.startswith("OTEL_EXPORTER_OTLP_") and name.endswith("ENDPOINT") for name in os.environ)


def _here(settings: Settings, given: dict[str, str | None], reached: bool) -> Iterator[Finding]:
    """The local store, where this machine is the one that would have it."""
    named = given.get("endpoint") or os.environ.get(settings_module.environment_name("endpoint"))
    if named and not os.environ.get(settings_module.environment_name("store")):
        return
    try:
        yield from local_store(settings, reached=reached)
    except ModuleNotFoundError:  # without the server extra there is no store here
        return
