"""`evalspan search`"""

from __future__ import annotations

import sys
from itertools import islice
from typing import Any

import click

from evalspan.cli.output import FORMATS, render
from evalspan.cli.service import service
from evalspan.sdk.search import find_experiment

# What people look at first; the other formats have everything.
_LEFT_OUT_OF_TABLES = frozenset({
    "trace_id", "started_at", "llm_calls", "input_tokens", "output_tokens", "mean_input_tokens",
    "mean_output_tokens", "evaluator_errors", "metadata", "tags", "n",
})  # fmt: skip


@click.command()
@click.argument("experiment")
@click.argument("query", default="")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(FORMATS),
    default=None,
    help="[default: table on a terminal, else csv]",
)
@click.option("--limit", type=click.IntRange(min=1), default=None, help="Most rows.  [default: all]")
@click.option("--texts", is_flag=True, help="With input, output and expected output.")
@click.option("--store", default=None, help="Store to read when no service runs.  [EVALSPAN_STORE]")
def search(
    experiment: str, query: str, output_format: str | None, limit: int | None, texts: bool, store: str | None
) -> None:
    """Find runs or records of an experiment, by what docs/search.md describes.

    \b
    evalspan search my-pipeline@latest 'run_iteration:1 @trace.total_tokens:>1000'
    evalspan search my-pipeline@latest '@multi_run_avg.@evaluations.custom.exact_match:<0.5'

    EXPERIMENT is an id, a unique name, or the name of a pipeline with @latest or @previous.
    """
    chosen = output_format or ("table" if sys.stdout.isatty() else "csv")
    with service(store) as client:
        found = find_experiment(client, experiment)
        rows = list(islice(client.search(found.id, query, texts=texts), limit))
    if chosen in ("table", "markdown"):
        rows = [_brief(row) for row in rows]
    text = render(rows, chosen)
    if text:
        click.echo(text)
    if not rows:
        click.echo("Nothing in this experiment meets the query.", err=True)


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _LEFT_OUT_OF_TABLES}
