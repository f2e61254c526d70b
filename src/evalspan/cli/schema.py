"""`evalspan schema`"""

from __future__ import annotations

import click

from evalspan import settings
from evalspan.cli.options import settings_options


@click.command()
@settings_options("cluster")
@click.option("--database", default="evalspan", show_default=True, help="Database of the store.")
def schema(cluster: str | None, database: str) -> None:
    """Print the SQL that makes a store, for servers on which the service may not.

    Each statement can run again, also on a replica that was added later. A service that finds the
    schema in place runs none of them.
    """
    from evalspan.store import schema as schemas  # the server extra may be absent

    chosen = schemas.SCHEMA.on(settings.load({"cluster": cluster}).cluster, database)
    for statement in chosen.statements():
        click.echo(f"{statement.strip()};\n")
