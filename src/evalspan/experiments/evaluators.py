"""Evaluators: a registry by slug; each has a draft, and versions that were committed from it."""

from __future__ import annotations

from collections.abc import Sequence

from evalspan.experiments.evaluator_versions import EvaluatorVersion
from evalspan.store import Store


def resolve(store: Store, references: Sequence[str]) -> list[EvaluatorVersion]:
    """The versions to be used, in order: of a slug or id the latest committed one, else the draft;
    `REFERENCE:VERSION` names one.

    Raises:
        NotFoundError: one is not there; the message names it and the slugs that are.
    """
    raise NotImplementedError
