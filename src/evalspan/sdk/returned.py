"""Scores in what a case returned, and in what it set on its span: `score.<name>`.

A bare number or boolean is a score where the case is a check with a name of its own, as an `eval` is. What a
function gives over a dataset is its output: nobody said that it measures anything.
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

    def __init__(self, name: str, taken: Collection[str], *, bare: bool) -> None:
        """
        Args:
            name: What a returned EvaluatorResult is called.
            taken: The names of the evaluators.
            bare: Whether a bare number or boolean is a score of that name.
        """
        self._name = name
        self._taken = taken
        self._bare = bare

    def __call__(self, returned: Any, attributes: Mapping[str, Any]) -> tuple[Json, Sequence[Evaluation]]:
        """The output, and the scores; of two with one name the returned one."""
        found = dict(_scores(attributes))
        output: Json = returned
        if isinstance(returned, EvaluatorResult):
            output = returned.value
            found[self._name] = returned
        elif isinstance(returned, Mapping):
            found |= dict(_scores(cast("Mapping[Any, Any]", returned)))
        elif self._bare and _is_number(returned):
            found[self._name] = returned
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
        named = isinstance(key, str) and key.startswith(SCORE_PREFIX) and key != SCORE_PREFIX
        if named and (isinstance(value, EvaluatorResult) or _is_number(value)):
            yield key.removeprefix(SCORE_PREFIX), value


def _is_number(value: object) -> bool:
    """Numbers of other libraries too, but not their arrays."""
    return hasattr(value, "__float__") and getattr(value, "ndim", 0) == 0
