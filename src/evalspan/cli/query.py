"""`evalspan query`"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import click
import httpx
from opentelemetry.instrumentation.utils import suppress_instrumentation

from evalspan import trust
from evalspan.cli.connection import existing_store, running_service, with_store
from evalspan.errors import AccessError, ServiceError, UsageError
from evalspan.settings import Settings, environment_name

FORMATS = {
    "table": "PrettyCompactMonoBlock",
    "json": "JSON",
    "jsonl": "JSONEachRow",
    "csv": "CSVWithNames",
    "tsv": "TSVWithNames",
    "parquet": "Parquet",
    "markdown": "Markdown",
}


class _Query(click.Command):
    """A statement may begin with a comment, which looks like an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        told = [
            f" {one}" if one.startswith("-- ") or (one[:2] == "--" and "\n" in one) else one for one in args
        ]
        return super().parse_args(ctx, told)


@click.command(cls=_Query)
@click.argument("statement", metavar="SQL", required=False)
@click.option(
    "--format",
    "output_format",
    default=None,
    help=f"{', '.join(FORMATS)}, or any ClickHouse format.  [default: table on a terminal, else csv]",
)
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="Value of {NAME:Type} in the query."
)
@click.option("--question", default=None, help="Run a ready-made question by its name ('list' shows them).")
@click.option("--store", default=None, help="Store to read when no service runs.  [EVALSPAN_STORE]")
def query(
    statement: str | None,
    output_format: str | None,
    params: tuple[str, ...],
    question: str | None,
    store: str | None,
) -> None:
    """Run a read-only SQL query, through the running service or on the store itself.

    \b
    evalspan query "SELECT experiment, avg(scores['exact_match']) FROM experiment_results GROUP BY ALL"
    """
    if question == "list":
        _list_questions()
        return
    text = _statement(statement, question)
    chosen = output_format or ("table" if sys.stdout.isatty() else "csv")
    settings = with_store(store)
    with _rows(settings, text, _parameters(params), FORMATS.get(chosen.lower(), chosen), store) as chunks:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


def _statement(statement: str | None, question: str | None) -> str:
    if question is None:
        if not statement or not statement.strip():
            raise UsageError("There is no query; give the SQL as an argument, or --question NAME.")
        return sys.stdin.read() if statement == "-" else statement
    from evalspan.store import questions  # the server extra may be absent

    known = questions()
    if question not in known:
        raise UsageError(f"There is no question {question!r}; --question list shows them.")
    return known[question][1]


def _list_questions() -> None:
    from evalspan.store import questions

    for name, (title, _sql) in questions().items():
        click.echo(f"{name:32} {title}")


def _parameters(params: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in params]
    for name, equals, _value in pairs:
        if not equals or not name.isidentifier():
            raise UsageError(f"--param {name!r} is not NAME=VALUE.")
    return {name: value for name, _equals, value in pairs}


@contextmanager
def _rows(
    settings: Settings, statement: str, parameters: dict[str, str], output_format: str, store: str | None
) -> Generator[Iterator[bytes], None, None]:
    named = "" if store else os.environ.get(environment_name("endpoint"), "")
    endpoint = named or running_service(settings)
    if endpoint:
        with remote_rows(endpoint, settings.api_key, statement, parameters, output_format) as chunks:
            yield chunks
        return
    existing_store(settings)
    from evalspan.store import Store

    opened = Store(
        settings.store,
        query_timeout=settings.query_timeout,
        query_max_memory=settings.query_max_memory,
        query_max_result_rows=settings.query_max_result_rows,
        query_max_result_bytes=settings.query_max_result_bytes,
        cluster=settings.cluster,
        reader=settings.store_reader,
    )
    try:
        yield opened.read(statement.strip().rstrip(";"), parameters, output_format=output_format)
    finally:
        opened.close()


@contextmanager
def remote_rows(
    endpoint: str, api_key: str, statement: str, parameters: dict[str, str], output_format: str
) -> Generator[Iterator[bytes], None, None]:
    url_parameters = {"format": output_format} | {
        f"param_{name}": value for name, value in parameters.items()
    }
    headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        with (
            suppress_instrumentation(),  # a demo or script may have capture on: our own calls are not its
            httpx.Client(timeout=httpx.Timeout(10.0, read=None), verify=trust.verify()) as client,
            client.stream(
                "POST",
                f"{endpoint.rstrip('/')}/sql",
                params=url_parameters,
                content=statement,
                headers=headers,
            ) as response,
        ):
            if response.status_code != 200:
                response.read()
                raise _refusal(response)
            yield response.iter_bytes()
    except httpx.HTTPError as error:
        raise ServiceError(f"The service at {endpoint} does not answer: {error}.") from error


def _refusal(response: httpx.Response) -> Exception:
    try:
        detail = str(response.json()["errors"][0]["detail"])
    except (ValueError, LookupError, TypeError):
        detail = f"HTTP {response.status_code} {response.text[:200]}"
    if response.status_code in {401, 403}:
        return AccessError(f"{detail} (EVALSPAN_API_KEY)")
    return UsageError(detail) if response.status_code in {400, 413} else ServiceError(detail)
