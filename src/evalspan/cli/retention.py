"""`evalspan retention`"""

from __future__ import annotations

import click

from evalspan.cli.connection import existing_store, with_store
from evalspan.cli.options import settings_options
from evalspan.cli.output import table
from evalspan.settings import load


@click.command()
@settings_options("store", "cluster", "retention_days", "retention_projects")
@click.option("--apply", "applied", is_flag=True, help="Delete it, rather than only show it.")
def retention(applied: bool, **given: str | None) -> None:
    """Show which experiments have been kept for as long as they are to be, or delete them.

    A running service does this by itself. An experiment whose metadata has evalspan.retention_days
    is kept for that long, whatever the settings say.
    """
    existing_store(with_store(given["store"]))
    from evalspan.store import Store  # the server extra may be absent
    from evalspan.store.retention import Policy, expired, sweep

    settings = load(given)
    policy = Policy.parse(settings.retention_days, settings.retention_projects)
    with Store(settings.store, cluster=settings.cluster) as store:
        found = sweep(store, policy) if applied else expired(store, policy)
    header = ["experiment", "project", "id", "last received", "days"]
    rows = [
        [each.experiment, each.project, each.experiment_id, f"{each.last_received:%Y-%m-%d}", str(each.days)]
        for each in found
    ]
    if rows:
        click.echo(table(header, rows))
    click.echo(f"{len(rows)} experiments {'deleted' if applied else 'have expired'}.", err=True)
