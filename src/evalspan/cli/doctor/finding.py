"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line. `advice` says what to do, '' where there is nothing to do."""

    check: str
    state: State
    message: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.state:8} {self.check:11} {self.message} {self.advice}".rstrip()


def ok(check: str, message: str) -> Finding:
    return Finding(check, "ok", message)


def warning(check: str, message: str, advice: str = "") -> Finding:
    return Finding(check, "warning", message, advice)


def problem(check: str, message: str, advice: str) -> Finding:
    return Finding(check, "problem", message, advice)
