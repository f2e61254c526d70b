"""`evalspan copy`"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click

from evalspan.cli.connection import existing_store, with_store
from evalspan.cli.options import settings_options
from evalspan.cli.output import table as as_table
from evalspan.errors import UsageError
from evalspan.settings import load

EMBEDDED = "chdb://"
Progress = Callable[[str, int, int], None]


@click.command()
@click.option("--from", "source", required=True, metavar="STORE", help="Where to copy from, as --store.")
@click.option("--to", "target", required=True, metavar="STORE", help="Where to copy to, as --store.")
@click.option("--from-cluster", default="", metavar="NAME", help="Cluster over which --from is spread.")
@settings_options("cluster")
def copy(source: str, target: str, from_cluster: str, cluster: str | None) -> None:
    """Copy a whole store into another, for example from the embedded engine to a server.

    What is there already is passed over, so a copy that was cut short is started again. At the end
    every row of the source was seen in the target. --cluster is the target's.

    \b
    evalspan copy --from chdb://.evalspan --to http://user:password@host:8123/evalspan
    """
    if source.startswith(EMBEDDED) and target.startswith(EMBEDDED):
        raise UsageError(
            "The embedded engine opens one store at a time. To copy a store into another folder, "
            "copy the folder while nothing has it open."
        )
    existing_store(with_store(source))
    from evalspan.store import Store  # the server extra may be absent
    from evalspan.store.copy import copy as copy_store

    chosen = load({"cluster": cluster}).cluster
    with (
        Store(source, cluster=from_cluster) as first,
        Store(target, cluster=chosen) as second,
        _progress() as progress,
    ):
        copied = copy_store(first, second, progress)
    rows = [
        [each.table.removesuffix("_data"), str(each.rows), str(each.copied), str(each.newer)]
        for each in copied
    ]
    click.echo(as_table(["table", "rows", "copied", "newer in target"], rows))


@contextmanager
def _progress() -> Generator[Progress, None, None]:
    """One line on a terminal, nothing in a pipe."""
    shown = sys.stderr.isatty()

    def show(table: str, done: int, total: int) -> None:
        if shown:
            click.echo(f"\r\033[K{table.removesuffix('_data')}: {done} of {total} rows", err=True, nl=False)

    yield show
    if shown:
        click.echo("\r\033[K", err=True, nl=False)
