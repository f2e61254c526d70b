"""`evalspan experiments`: those that the service itself runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from typing import Any, TypeVar

import click

from evalspan.cli.output import FORMATS, render
from evalspan.cli.service import service
from evalspan.errors import UsageError
from evalspan.model import Json
from evalspan.sdk.hosted import Hosted, HostedExperiment
from evalspan.settings import load as load_settings

Command = TypeVar("Command", bound=Callable[..., Any])

_store = click.option("--store", default=None, help="Store to use when no service runs.  [EVALSPAN_STORE]")
_format = click.option(
    "--format", "output_format", type=click.Choice(FORMATS), default="table", show_default=True
)
_detach = click.option(
    "--detach", is_flag=True, help="Print the id and go; a running service goes on with it."
)
_STATUSES = ("pending", "running", "waiting", "scoring", "done", "failed")
# What goes with each type; the others do not.
_OPTIONS: dict[str, frozenset[str]] = {
    "prompt": frozenset({"--prompt", "--prompt-version"}),
    "completion": frozenset({"--model", "--parameter"}),
}


def _budget(command: Command) -> Command:
    for name, kind, what in (("tokens", int, "tokens"), ("usd", float, "US dollars")):
        option = click.option(
            f"--budget-{name}", type=kind, default=None, help=f"Most {what} that it may use."
        )
        command = option(command)
    return command


@click.group()
def experiments() -> None:
    """Experiments that the service itself runs, over a dataset.

    Exit code 1: an item failed, or the experiment was cancelled or met its budget.
    """


@experiments.command()
@click.option(
    "--type", "kind", type=click.Choice(["prompt", "completion", "custom", "duplicate"]), required=True
)
@click.option("--dataset", required=True, help="Name or id.")
@click.option("--project", default=None, help="Project of the dataset.  [EVALSPAN_PROJECT]")
@click.option("--prompt", default=None, help="Id or slug; for --type prompt.")
@click.option("--prompt-version", type=int, default=None, help="[default: the deployed one]")
@click.option("--model", default=None, help="For --type completion.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=JSON", help="temperature=0, ...")
@click.option("--evaluator", "evaluators", multiple=True, help="Slug or id, with :VERSION; repeatable.")
@click.option("--name", default="")
@click.option("--runs", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--concurrency", type=click.IntRange(min=1), default=15, show_default=True)
@_budget
@_detach
@_store
def create(
    kind: str, dataset: str, project: str | None, prompt: str | None, prompt_version: int | None,
    model: str | None, parameters: tuple[str, ...], evaluators: tuple[str, ...], name: str, runs: int,
    concurrency: int, budget_usd: float | None, budget_tokens: int | None, detach: bool, store: str | None,
) -> None:  # fmt: skip
    """Begin an experiment, and wait until it is over.

    \b
    evalspan experiments create --type prompt --dataset questions --prompt greeting --evaluator exact
    evalspan experiments create --type completion --dataset chats --model gpt-4o-mini --budget-usd 2
    """
    step = _step(kind, prompt, prompt_version, model, _parsed(parameters))
    with _hosted(store) as found:
        made = found.create(
            found.dataset_id(project or load_settings({}).project, dataset),
            [step],
            name=name,
            evaluators=evaluators,
            runs=runs,
            concurrency=concurrency,
            budget_usd=budget_usd,
            budget_tokens=budget_tokens,
        )
        _follow(found, made, detach=detach)


@experiments.command("list")
@_format
@_store
def show_all(output_format: str, store: str | None) -> None:
    """Every experiment that the service ran or runs, newest first."""
    with _hosted(store) as found:
        rows = [asdict(each) for each in found.list()]
    click.echo(render(rows, output_format))


@experiments.command()
@click.argument("experiment")
@_format
@_store
def status(experiment: str, output_format: str, store: str | None) -> None:
    """How an experiment stands."""
    with _hosted(store) as found:
        click.echo(render([asdict(found.get(experiment))], output_format))


@experiments.command()
@click.argument("experiment")
@_store
def wait(experiment: str, store: str | None) -> None:
    """Wait until an experiment is over, or waits for outputs."""
    with _hosted(store) as found:
        _follow(found, found.get(experiment), detach=False)


@experiments.command()
@click.argument("experiment")
@_store
def cancel(experiment: str, store: str | None) -> None:
    """Run nothing more of it; what is done stays."""
    with _hosted(store) as found:
        click.echo(found.cancel(experiment).status)


@experiments.command()
@click.argument("experiment")
@_budget
@_detach
@_store
def resume(
    experiment: str, budget_usd: float | None, budget_tokens: int | None, detach: bool, store: str | None
) -> None:
    """Run what is left: what failed, was cancelled, or met the budget, for which another may be given."""
    with _hosted(store) as found:
        begun = found.resume(experiment, budget_usd=budget_usd, budget_tokens=budget_tokens)
        _follow(found, begun, detach=detach)


@experiments.command()
@click.argument("experiment")
@click.option("--status", "wanted", type=click.Choice(_STATUSES), default=None)
@click.option("--limit", type=click.IntRange(min=1), default=None, help="Most items.  [default: all]")
@_format
@_store
def logs(
    experiment: str, wanted: str | None, limit: int | None, output_format: str, store: str | None
) -> None:
    """The items of an experiment: input, output, scores."""
    with _hosted(store) as found:
        chosen = (each for each in found.items(experiment) if wanted in (None, each.status))
        rows = [asdict(each) for each in islice(chosen, limit)]
    click.echo(render(rows, output_format))


@experiments.command()
@click.argument("experiment")
@click.argument("item")
@click.argument("output")
@_store
def submit(experiment: str, item: str, output: str, store: str | None) -> None:
    """Hand in the OUTPUT of an item that waits: JSON, or else a text."""
    with _hosted(store) as found:
        found.submit(experiment, item, _json_or_text(output))


@contextmanager
def _hosted(store: str | None) -> Generator[Hosted]:
    with service(store) as client:
        yield Hosted(client)


def _follow(found: Hosted, made: HostedExperiment, *, detach: bool) -> None:
    """Print the id; then show how it goes, until it is over."""
    click.echo(made.id)
    if detach:
        return
    try:
        with click.progressbar(
            length=made.total or 1, label="items", file=sys.stderr, hidden=not sys.stderr.isatty()
        ) as bar:
            over = found.wait(made.id, seen=lambda now: bar.update(now.done + now.failed - bar.pos))
    except KeyboardInterrupt:
        click.echo(
            f"\nA running service goes on: evalspan experiments wait {made.id}, or cancel.",
            err=True,
        )
        raise
    _summarize(found, over)


def _summarize(found: Hosted, over: HostedExperiment) -> None:
    """How it ended; exits with 1 where that is not well."""
    spent = "unknown" if over.spent_usd is None else f"{over.spent_usd:.6f}"
    click.echo(
        f"{over.status}: {over.done} done, {over.failed} failed, {over.waiting} waiting of {over.total}; "
        f"{'unknown' if over.spent_tokens is None else over.spent_tokens} tokens, {spent} dollars",
        err=True,
    )
    if over.error:
        click.echo(over.error, err=True)
    if not over.total:
        click.echo("The dataset has no records.", err=True)
    for evaluator, (number, error) in found.score_errors(over.id).items():
        click.echo(f"{number} scores of {evaluator} failed, one of them: {error}", err=True)
    if over.failed or over.status not in ("completed", "waiting", "draft"):
        sys.exit(1)


def _step(
    kind: str, prompt: str | None, version: int | None, model: str | None, parameters: dict[str, Json]
) -> dict[str, Json]:
    given = {"--prompt": prompt, "--prompt-version": version, "--model": model, "--parameter": parameters}
    for option, value in given.items():
        if value and option not in _OPTIONS.get(kind, ()):
            raise UsageError(f"{option} does not go with --type {kind}.")
    if kind == "prompt":
        if not prompt:
            raise UsageError("--type prompt needs --prompt.")
        return Hosted.prompt(prompt, version)
    if kind == "completion":
        if not model:
            raise UsageError("--type completion needs --model.")
        return Hosted.completion(model, **parameters)
    return Hosted.custom() if kind == "custom" else Hosted.duplicate()


def _parsed(parameters: tuple[str, ...]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for each in parameters:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"--parameter {each!r} is not NAME=JSON.")
        found[name] = _json_or_text(value)
    return found


def _json_or_text(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return text
