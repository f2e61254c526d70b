"""Filling a prompt's messages: Jinja in a sandbox, in a process of its own, bounded in time and memory."""

from __future__ import annotations

from typing import Any

from evalspan.experiments.prompt_versions import PromptVersion
from evalspan.model import Json


def render(version: PromptVersion, variables: dict[str, Any]) -> list[dict[str, Json]]:
    """The messages of the version, filled. Blocks for as long as it takes; thread-safe.

    Raises:
        UsageError: a variable is missing, unknown or of another type, or the template fails; the
            message names it.
    """
    raise NotImplementedError
