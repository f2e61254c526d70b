"""Scores in what a case returned, and in what it set on its span: `score.<name>`.

A bare number or string that a function returns is its output and no score: nobody said what it measures.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

from evalspan.errors import UsageError
from evalspan.model import EvaluatorResult, Json
from evalspan.sdk.evaluation import Evaluation

SCORE_PREFIX = "score."


class Reader:
    """Reads the cases of one function."""

    def __init__(self, name: str, taken: Collection[str]) -> None:
        """`name`: what a returned EvaluatorResult is called. `taken`: the names of the evaluators."""
        self._name = name
        self._taken = taken

    def __call__(self, returned: Any, attributes: Mapping[str, Any]) -> tuple[Json, Sequence[Evaluation]]:
        """The output, and the scores; of two with one name the returned one."""
        found = dict(_scores(attributes))
        output: Json = returned
        if isinstance(returned, EvaluatorResult):
            output = returned.value
            found[self._name] = returned
        elif isinstance(returned, Mapping):
            found |= dict(_scores(cast("Mapping[Any, Any]", returned)))
        return output, [self._evaluation(name, value) for name, value in found.items()]

    def _evaluation(self, name: str, value: Any) -> Evaluation:
        """A score, or the failure that it is."""
        try:
            if name in self._taken:
                raise UsageError(f"Both the function and an evaluator gave the score {name!r}: rename one.")
            return Evaluation.of(name, value)
        except (TypeError, ValueError) as error:
            return Evaluation.failed(name, error)


def _scores(values: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """What is named `score.<name>` and is a number, a boolean or an EvaluatorResult."""
    for key, value in values.items():
        if isinstance(key, str) and key.startswith(SCORE_PREFIX) and len(key) > len(SCORE_PREFIX):
            number = hasattr(value, "__float__") and not isinstance(value, str)
            if isinstance(value, EvaluatorResult) or number:
                yield key.removeprefix(SCORE_PREFIX), value
