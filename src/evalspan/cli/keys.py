"""`evalspan keys`"""

from __future__ import annotations

from datetime import UTC, datetime

import click

from evalspan import settings
from evalspan.cli.options import settings_options
from evalspan.cli.output import render
from evalspan.errors import UsageError
from evalspan.keyfile import FRESH, KeyFile, RoleName


@click.group()
def keys() -> None:
    """API keys of the service, in the file that EVALSPAN_KEYS_FILE names.

    A running service sees a change within a second; two keys may be valid side by side, so a key is
    replaced by creating another, handing it out, and revoking the first.
    """


@keys.command()
@click.option(
    "--role", "roles", type=click.Choice(["ingest", "read", "admin"]), multiple=True, required=True,
    help="ingest sends, read asks, admin may do all; may be given more than once.",
)  # fmt: skip
@click.option("--project", default="", help="The name of the only project that the key reaches.")
@click.option("--name", default="", help="What the key is for, shown in lists.")
@click.option("--expires", default=None, metavar="DATE", help="Its last day, as 2027-01-31, or an instant.")
@settings_options("keys_file")
def create(
    roles: tuple[RoleName, ...], project: str, name: str, expires: str | None, keys_file: str | None
) -> None:
    """Make a key and print it. It is not kept: this is the only time that it can be seen."""
    now = datetime.now(UTC)
    file = _file(keys_file, create=True)
    key, entry = file.add(roles, now=now, name=name, project=project, expires_at=_end(expires, now))
    click.echo(key)
    click.echo(f"evalspan: key {entry.id} is valid within {FRESH:.0f} s; it is shown here only.", err=True)


@keys.command("list")
@click.option("--format", "output_format", default="table", help="table, json, jsonl, csv or markdown.")
@settings_options("keys_file")
def show(output_format: str, keys_file: str | None) -> None:
    """The keys, without the keys."""
    now = datetime.now(UTC)
    rows = [
        {
            "id": entry.id,
            "name": entry.name,
            "roles": ",".join(entry.roles),
            "project": entry.project,
            "created": entry.created_at.isoformat(timespec="seconds"),
            "expires": entry.expires_at.isoformat(timespec="seconds") if entry.expires_at else "",
            "valid": "yes" if entry.valid(now) else "expired",
        }
        for entry in _file(keys_file).entries()
    ]
    click.echo(render(rows, output_format))


@keys.command()
@click.argument("key", metavar="ID_OR_NAME")
@settings_options("keys_file")
def revoke(key: str, keys_file: str | None) -> None:
    """Make a key invalid, by its id or by its name."""
    entry = _file(keys_file).remove(key)
    click.echo(f"evalspan: key {entry.id} is refused within {FRESH:.0f} s.", err=True)


def _file(given: str | None, *, create: bool = False) -> KeyFile:
    path = settings.load({"keys_file": given}).keys_file
    if not path:
        raise UsageError("There is no keys file; say which with --keys-file or EVALSPAN_KEYS_FILE.")
    return KeyFile(path, create=create)


def _end(text: str | None, now: datetime) -> datetime | None:
    """The instant at which a key ends. A day is over when it is over in UTC.

    Raises:
        UsageError: it is no date, or has passed.
    """
    if text is None:
        return None
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--expires {text!r} is no date such as 2027-01-31.") from None
    if len(text) == len("2027-01-31"):
        end = end.replace(hour=23, minute=59, second=59, microsecond=999_999)
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    if end <= now:
        raise UsageError(f"--expires {text!r} has passed.")
    return end
