"""The command line. Exit codes: 0 fine, 1 the check failed, 2 wrong use, 3 the service or store failed."""

from __future__ import annotations

import sys

import click

from evalspan.cli.compare import compare
from evalspan.cli.copy import copy
from evalspan.cli.demo import demo
from evalspan.cli.doctor import doctor
from evalspan.cli.evaluators import evaluators
from evalspan.cli.experiments import experiments
from evalspan.cli.keys import keys
from evalspan.cli.prompts import prompts
from evalspan.cli.query import query
from evalspan.cli.retention import retention
from evalspan.cli.run import run
from evalspan.cli.schema import schema
from evalspan.cli.search import search
from evalspan.cli.serve import serve
from evalspan.errors import EvalspanError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="evalspan")
def evalspan() -> None:
    """OpenTelemetry-native tracing and evaluation of LLM applications, queried with SQL."""


for _command in (
    demo,
    serve,
    run,
    query,
    search,
    compare,
    doctor,
    copy,
    schema,
    retention,
    keys,
    prompts,
    evaluators,
    experiments,
):
    evalspan.add_command(_command)


def main() -> None:
    """The entry point: our errors become one line and their exit code."""
    try:
        evalspan(standalone_mode=False)
    except EvalspanError as error:
        click.echo(f"evalspan: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("evalspan: interrupted", err=True)
        sys.exit(130)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.split(".")[0] not in {
            "clickhouse_connect",
            "chdb",
            "starlette",
            "uvicorn",
            "lark",
            "jinja2",
            "orjson",
            "grpc",
        }:
            raise
        click.echo(
            f"evalspan: {missing} is missing; this command needs the service: pip install 'evalspan[server]'",
            err=True,
        )
        sys.exit(2)
