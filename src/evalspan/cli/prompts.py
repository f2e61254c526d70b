"""`evalspan prompts`"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, cast

import click

from evalspan.cli.files import read_object
from evalspan.cli.output import FORMATS, render
from evalspan.cli.service import service
from evalspan.errors import UsageError
from evalspan.sdk.registry import Prompts, StoredVersion

_store = click.option("--store", default=None, help="Store to use when no service runs.  [EVALSPAN_STORE]")
_format = click.option(
    "--format", "output_format", type=click.Choice(FORMATS), default="table", show_default=True
)


@click.group()
def prompts() -> None:
    """Prompts that experiments in the service run: templates with versions, of which one is live.

    PROMPT is an id or a slug.
    """


@prompts.command("list")
@_format
@_store
def show_all(output_format: str, store: str | None) -> None:
    """Every prompt, with its newest and its live version."""
    with _prompts(store) as found:
        rows = [asdict(each) for each in found.list()]
    click.echo(render(rows, output_format))


@prompts.command()
@click.argument("name")
@click.option("--description", default="")
@click.option("--slug", default="", help="A word to know it by; made of the name where none is given.")
@_store
def create(name: str, description: str, slug: str, store: str | None) -> None:
    """Make a prompt, without a version yet; print its slug."""
    with _prompts(store) as found:
        click.echo(found.create(name, description, slug=slug).slug)


@prompts.command()
@click.argument("prompt")
@click.argument("file")
@click.option("--deploy", is_flag=True, help="Make it the live version at once.")
@_store
def push(prompt: str, file: str, deploy: bool, store: str | None) -> None:
    """Add a version from a JSON FILE, '-' for the standard input.

    \b
    {"messages": [{"role": "user", "content": "Hello {{ name }}"}],
     "model": "gpt-4o-mini", "temperature": 0, "variables": {"name": "string"}}
    """
    given = read_object(file)
    messages: Any = given.pop("messages", None)
    if not isinstance(messages, list):
        raise UsageError(f"{file!r} has no list of messages.")
    known = {key: given.pop(key) for key in ("model", "variables") if key in given}
    given.pop("deploy", None)
    with _prompts(store) as found:
        made = found.add_version(
            prompt,
            cast("list[dict[str, Any]]", messages),
            model=str(known.get("model") or ""),
            variables=known.get("variables"),
            deploy=deploy,
            **given,
        )
    _tell(prompt, made)


@prompts.command()
@click.argument("prompt")
@click.option("--message", "-m", default="", help="What changed.")
@_store
def commit(prompt: str, message: str, store: str | None) -> None:
    """Make the draft read-only, and a new draft that says the same."""
    with _prompts(store) as found:
        _tell(prompt, found.commit(prompt, message))


@prompts.command()
@click.argument("prompt")
@click.argument("version", type=int)
@_store
def deploy(prompt: str, version: int, store: str | None) -> None:
    """Make a read-only VERSION the live one."""
    with _prompts(store) as found:
        _tell(prompt, found.deploy(prompt, version))


@prompts.command()
@click.argument("prompt")
@click.argument("version", type=int, required=False)
@_format
@_store
def show(prompt: str, version: int | None, output_format: str, store: str | None) -> None:
    """The versions of a prompt; or one VERSION as JSON, as `push` takes it."""
    with _prompts(store) as found:
        versions = found.versions(prompt)
    if version is None:
        click.echo(render([_brief(each) for each in versions], output_format))
        return
    wanted = next((each for each in versions if each.version == version), None)
    if wanted is None:
        has = ", ".join(str(each.version) for each in versions) or "none"
        raise UsageError(f"Prompt {prompt!r} has no version {version}; it has {has}.")
    shown = {key: value for key, value in wanted.fields.items() if value not in (None, [], {}, "")}
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2))


@prompts.command()
@click.argument("prompt")
@_store
def delete(prompt: str, store: str | None) -> None:
    """Remove a prompt and its versions; what ran with them stays."""
    with _prompts(store) as found:
        found.delete(prompt)


@contextmanager
def _prompts(store: str | None) -> Generator[Prompts]:
    with service(store) as client:
        yield Prompts(client)


def _tell(prompt: str, version: StoredVersion) -> None:
    state = "live" if version.is_deployed else "read-only" if version.readonly else "draft"
    click.echo(f"{prompt} version {version.version}: {state}")


def _brief(version: StoredVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "state": "live" if version.is_deployed else "read-only" if version.readonly else "draft",
        "model": version.model,
        "variables": ", ".join(version.variables),
        "description": version.description,
    }
