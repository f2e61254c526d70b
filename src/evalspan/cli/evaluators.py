"""`evalspan evaluators`"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import click

from evalspan.cli.files import json_or_text, read_object
from evalspan.cli.output import FORMATS, render
from evalspan.cli.service import service
from evalspan.errors import UsageError
from evalspan.sdk.registry import Evaluators, StoredEvaluator

_store = click.option("--store", default=None, help="Store to use when no service runs.  [EVALSPAN_STORE]")
_TEXTS = frozenset({"text", "comment", "single_select"})
_format = click.option(
    "--format", "output_format", type=click.Choice(FORMATS), default="table", show_default=True
)


@click.group()
def evaluators() -> None:
    """Evaluators that the service runs: judges by model, rules, code, and scores that people give.

    EVALUATOR is an id or a slug; SLUG:VERSION is a version of it.
    """


@evaluators.command("list")
@_format
@_store
def show_all(output_format: str, store: str | None) -> None:
    """Every evaluator, with the version of its draft."""
    with _evaluators(store) as found:
        click.echo(render([_brief(each) for each in found.list()], output_format))


@evaluators.command()
@click.argument("file")
@click.option("--slug", default="", help="A word to know it by; made of the name where none is given.")
@_store
def create(file: str, slug: str, store: str | None) -> None:
    """Make an evaluator from a JSON FILE, '-' for the standard input; print its slug.

    \b
    {"name": "Right answer", "type": "rule", "score_value_type": "boolean",
     "rule_config": {"rule": "numeric", "extract": "#### (.*)"}}
    """
    given = read_object(file)
    missing = [name for name in ("name", "type", "score_value_type") if not given.get(name)]
    if missing:
        raise UsageError(f"{file!r} does not say {', '.join(missing)}.")
    chosen = slug or str(given.pop("evaluator_slug", "") or "")
    with _evaluators(store) as found:
        click.echo(found.create(slug=chosen, **given).slug)


@evaluators.command()
@click.argument("evaluator")
@click.argument("file")
@_store
def edit(evaluator: str, file: str, store: str | None) -> None:
    """Change the draft by what a JSON FILE says."""
    with _evaluators(store) as found:
        _tell(found.update(evaluator, **read_object(file)))


@evaluators.command()
@click.argument("evaluator")
@click.option("--message", "-m", default="", help="What changed.")
@_store
def commit(evaluator: str, message: str, store: str | None) -> None:
    """Make the draft read-only, so that scores by it can be told apart, and begin the next one."""
    with _evaluators(store) as found:
        _tell(found.commit(evaluator, message))


@evaluators.command()
@click.argument("evaluator")
@_store
def show(evaluator: str, store: str | None) -> None:
    """An evaluator, or a version of it, as JSON."""
    with _evaluators(store) as found:
        fields = found.get(evaluator).fields
    shown = {key: value for key, value in fields.items() if value not in (None, [], {}, "")}
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2))


@evaluators.command()
@click.argument("evaluator")
@click.option("--output", required=True, help="What is judged: JSON, or else a text.")
@click.option("--input", default=None)
@click.option("--expected", default=None)
@_store
def run(evaluator: str, output: str, input: str | None, expected: str | None, store: str | None) -> None:
    """Try an evaluator on one case. Exit code 1 when the case does not pass, or cannot be judged."""
    with _evaluators(store) as found:
        trial = found.run(
            evaluator, json_or_text(output), input=json_or_text(input), expected_output=json_or_text(expected)
        )
    shown = {
        "value": trial.value,
        "passed": trial.passed,
        "explanation": trial.explanation,
        "error": trial.error,
    }
    shown["cost_usd"] = trial.cost_usd
    click.echo(json.dumps({key: value for key, value in shown.items() if value != ""}, ensure_ascii=False))
    if trial.error or trial.passed is False:
        sys.exit(1)


@evaluators.command(context_settings={"ignore_unknown_options": True})  # -3 is a value
@click.argument("evaluator")
@click.argument("log")
@click.argument("value")
@click.option("--explanation", default="")
@_store
def score(evaluator: str, log: str, value: str, explanation: str, store: str | None) -> None:
    """Give LOG (the id of a trace) a person's score; a second one replaces it."""
    with _evaluators(store) as found:
        is_text = found.get(evaluator).score_value_type in _TEXTS
        found.score(evaluator, log, value if is_text else json_or_text(value), explanation)


@evaluators.command()
@click.argument("evaluator")
@_store
def delete(evaluator: str, store: str | None) -> None:
    """Remove an evaluator and its versions; its scores stay."""
    with _evaluators(store) as found:
        found.delete(evaluator)


@contextmanager
def _evaluators(store: str | None) -> Generator[Evaluators]:
    with service(store) as client:
        yield Evaluators(client)


def _tell(evaluator: StoredEvaluator) -> None:
    click.echo(f"{evaluator.slug} version {evaluator.version}: {_state(evaluator)}")


def _state(evaluator: StoredEvaluator) -> str:
    return "read-only" if evaluator.is_read_only else "draft"


def _brief(evaluator: StoredEvaluator) -> dict[str, Any]:
    return {
        "slug": evaluator.slug,
        "name": evaluator.name,
        "type": evaluator.type,
        "score": evaluator.score_value_type,
        "version": evaluator.version,
        "state": _state(evaluator),
        "id": evaluator.id,
    }
