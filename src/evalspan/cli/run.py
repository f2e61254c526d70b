"""`evalspan run`"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import click

from evalspan.cli.connection import running_service, with_store
from evalspan.settings import environment_name

ENDPOINT = environment_name("endpoint")


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--store", default=None, help="Store of the service that is started when none runs.  [EVALSPAN_STORE]"
)
@click.argument("script", type=click.Path(exists=True, dir_okay=False))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(store: str | None, script: str, arguments: tuple[str, ...]) -> None:
    """Run an experiment script.

    Against EVALSPAN_ENDPOINT, else against the service that has the store open, else against one
    that is started for the script and stopped after it.
    """
    settings = with_store(store)
    known = os.environ.get(ENDPOINT, "") or running_service(settings)
    if known:
        sys.exit(_run_script(known, script, arguments))
    from evalspan.api.server import Service  # the server extra may be absent

    with Service(settings.model_copy(update={"http_port": 0, "grpc_port": 0})) as service:
        code = _run_script(service.endpoint, script, arguments)
    if sys.stderr.isatty():
        click.echo(f"evalspan: the results stay in {settings.store}; `evalspan serve` shows them.", err=True)
    sys.exit(code)


def _run_script(endpoint: str, script: str, arguments: tuple[str, ...]) -> int:
    """The script's exit code. An interrupt goes to the script, which ends in its own way; we wait."""
    command = [sys.executable, "-m", "evalspan.cli.script", script, *arguments]
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = subprocess.run(command, env={**os.environ, ENDPOINT: endpoint}, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, previous)
    return 128 - code if code < 0 else code
