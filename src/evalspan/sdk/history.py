"""Which experiments ended in this process, so that `evalspan run` can choose its exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Finished(NamedTuple):
    """An ended run in brief; the result itself stays with whoever ran it."""

    name: str
    failures: Sequence[str]
    """The ids of the records whose task failed, once per run iteration."""


_finished: list[Finished] = []


def finished() -> list[Finished]:
    """Every run that ended, the oldest first."""
    return list(_finished)


def note(name: str, failures: Sequence[str]) -> None:
    _finished.append(Finished(name, failures))
