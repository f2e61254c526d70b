"""Command-line options made from the table of settings: same names, same help, same defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from evalspan.settings import Settings, environment_name

Command = TypeVar("Command", bound=Callable[..., Any])


def settings_options(*names: str) -> Callable[[Command], Command]:
    """An option per setting. Values stay text (None where not given): `settings.load` checks them,
    so the command line and the environment refuse a wrong value in the same words."""

    def decorate(command: Command) -> Command:
        for name in reversed(names):
            field = Settings.model_fields[name]
            flag = "--" + name.replace("_", "-")
            shown = f"{field.description}  [{environment_name(name)}; default: {field.default!r}]"
            if field.annotation is bool:
                command = click.option(flag, name, is_flag=True, default=None, help=shown)(command)
            else:
                command = click.option(flag, name, metavar="VALUE", default=None, help=shown)(command)
        return command

    return decorate
