"""`evalspan doctor` in an environment of the test's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evalspan.cli import evalspan
from support.command import environment

Doctor = Callable[..., Result]


def lines(result: Result, state: str) -> list[str]:
    """The findings of a state, without the state."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return [line[9:] for line in result.stdout.splitlines() if line.startswith(f"{state} ")]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """The command in an environment that says nothing but what the test says."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(environment()):
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)

    def run(*arguments: str, **variables: str) -> Result:
        return CliRunner(env=variables).invoke(evalspan, ["doctor", *arguments])

    return run
