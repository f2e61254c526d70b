"""`evalspan demo`"""

from __future__ import annotations

import os

import click

from evalspan.cli.connection import running_service, with_store
from evalspan.settings import Settings, environment_name


@click.command()
@click.option(
    "--store",
    default=None,
    help="Where the demo keeps its data.  [EVALSPAN_STORE; default: chdb://.evalspan]",
)
def demo(store: str | None) -> None:
    """The whole road on this machine alone: experiments, spans, OTLP, ClickHouse, SQL."""
    settings = with_store(store)
    endpoint = running_service(settings)
    if endpoint:
        _show(endpoint, settings)
        return
    from evalspan.api.server import Service  # the server extra may be absent

    with Service(settings.model_copy(update={"http_port": 0, "grpc_port": 0})) as service:
        _show(service.endpoint, settings)


def _show(endpoint: str, settings: Settings) -> None:
    os.environ[environment_name("endpoint")] = endpoint
    from evalspan import demo as content  # the demo's parts are not every command's cost
    from evalspan.cli.query import FORMATS, remote_rows

    for result in content.run(endpoint):
        click.echo(f"{result}\n")
    for title, statement in content.SQL:
        click.secho(title, bold=True)
        click.echo(statement)
        with remote_rows(endpoint, settings.api_key, statement, {}, FORMATS["table"]) as chunks:
            click.echo(b"".join(chunks).decode())
    click.echo(f"The data stays in {settings.store}. Ask it more:\n")
    click.echo('  evalspan query "SELECT name, duration_ns / 1e6 AS ms FROM spans ORDER BY ms DESC LIMIT 10"')
