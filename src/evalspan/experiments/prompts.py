"""Prompts: a name and a slug, under which versions are kept, of which one may be deployed."""

from __future__ import annotations

from evalspan.experiments.prompt_versions import PromptVersion
from evalspan.store import Store


def usable_version(store: Store, prompt: str, version: int | None = None) -> PromptVersion:
    """The version that an experiment runs: the given one, which must be read-only, else the deployed one.

    Args:
        prompt: an id or a slug.

    Raises:
        NotFoundError: no such prompt or version. UsageError: it is a draft, or none is deployed.
    """
    raise NotImplementedError
