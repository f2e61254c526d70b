"""`evalspan compare`"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evalspan.analysis.comparison import Comparison
from evalspan.analysis.gate import parse_gate, verdict
from evalspan.cli.report import FORMATS, report
from evalspan.cli.service import service
from evalspan.errors import UsageError
from evalspan.sdk.search import find_experiment

_FORMAT_OF = {".json": "json", ".md": "markdown", ".csv": "csv"}


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--run-a", type=click.IntRange(min=1), help="Run iteration of A.  [default: all]")
@click.option("--run-b", type=click.IntRange(min=1), help="Run iteration of B.  [default: all]")
@click.option(
    "--lower-is-better", multiple=True, metavar="NAME", help="An evaluator of which less is better."
)
@click.option(
    "--fail-on",
    multiple=True,
    metavar="CONDITION",
    help="Exit with 1 where it holds, such as 'exact_match<-0.02': B minus A. "
    "Also low(NAME), high(NAME), agreement(NAME).",
)
@click.option(
    "--allow-missing",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Records that may lack a score on one side before --fail-on fails for it.",
)
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--rows", is_flag=True, help="With the records that differ, in tables and Markdown.")
@click.option("--texts", is_flag=True, help="With inputs, and with the outputs of single runs.")
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to a file too (.json, .md or .csv; else as --format says), before anything fails.",
)
@click.option("--store", default=None, help="Store to read when no service runs.  [EVALSPAN_STORE]")
def compare(
    a: str,
    b: str,
    run_a: int | None,
    run_b: int | None,
    lower_is_better: tuple[str, ...],
    fail_on: tuple[str, ...],
    allow_missing: int,
    output_format: str,
    rows: bool,
    texts: bool,
    report_file: Path | None,
    store: str | None,
) -> None:
    """Compare experiment B, the candidate, with A, the baseline, record by record.

    \b
    evalspan compare baseline candidate --fail-on 'exact_match<-0.02'
    evalspan compare my-pipeline@previous my-pipeline@latest --run-a 1 --run-b 4

    A and B are ids, unique names, or names of pipelines with @latest or @previous.
    """
    gates = [parse_gate(text) for text in fail_on]
    with service(store) as client:
        answer = client.compare(
            find_experiment(client, a).id,
            find_experiment(client, b).id,
            run_a=run_a,
            run_b=run_b,
            lower_is_better=list(lower_is_better),
            texts=str(texts).lower(),
        )
    comparison = Comparison.model_validate(answer)
    reasons = [reason for gate in gates if (reason := verdict(gate, comparison, allow_missing))]
    click.echo(report(comparison, output_format, reasons, gated=bool(gates), rows=rows))
    if report_file is not None:
        chosen = _FORMAT_OF.get(report_file.suffix.lower(), output_format)
        _write(report_file, report(comparison, chosen, reasons, gated=bool(gates), rows=True))
    if reasons:
        for reason in reasons:
            click.echo(f"evalspan: failed on {reason}", err=True)
        sys.exit(1)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--report {str(path)!r} cannot be written: {error.strerror}.") from None
