"""Which case the running code belongs to, carried in the OpenTelemetry context.

The context, not a ContextVar beside it: code that hands its OpenTelemetry context to a thread or a
callback hands on the case too. Baggage carries the same small ids (and nothing else, since baggage
is sent to every host) to other services; there they serve where no case is in the context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from opentelemetry import baggage, context
from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from evalspan import attributes

_KEY = context.create_key("evalspan-case")
# Longer ids stay out of baggage: a header has 8192 bytes for everybody's entries.
_MAX_BAGGAGE_VALUE = 128


@dataclass(frozen=True)
class Case:
    """The ids of one execution of one record. `record_id` is empty for summaries."""

    experiment_id: str
    run_id: str
    run_iteration: int
    record_id: str = ""
    evaluator: str = ""
    """Set while an evaluator works: what it does is not part of the execution."""

    @cached_property
    def attributes(self) -> Mapping[str, AttributeValue]:
        """What every span of this case carries, the registry's twins included."""
        values: dict[str, AttributeValue] = {
            attributes.EXPERIMENT_ID: self.experiment_id,
            attributes.TEST_SUITE_RUN_ID: self.experiment_id,
            attributes.RUN_ID: self.run_id,
            attributes.RUN_ITERATION: self.run_iteration,
            attributes.TEST_CASE_RUN_ATTEMPT: self.run_iteration,
        }
        if self.record_id:
            values[attributes.RECORD_ID] = self.record_id
            values[attributes.TEST_CASE_ID] = self.record_id
        if self.evaluator:
            values[attributes.EVALUATOR_NAME] = self.evaluator
        return values

    def enter(self, within: Context) -> Context:
        """`within` and this case, ids in baggage included."""
        entered = context.set_value(_KEY, self, within)
        ids = {
            attributes.EXPERIMENT_ID: self.experiment_id,
            attributes.RUN_ID: self.run_id,
            attributes.RUN_ITERATION: str(self.run_iteration),
            attributes.RECORD_ID: self.record_id,
        }
        for name, value in ids.items():
            if value and len(value) <= _MAX_BAGGAGE_VALUE:
                entered = baggage.set_baggage(name, value, entered)
        return entered


def current(within: Context | None = None) -> Case | None:
    """The case of a context (of the current one, if that one has none)."""
    for candidate in (within, context.get_current()):
        if candidate is None:
            continue
        case = cast("Case | None", context.get_value(_KEY, candidate)) or _from_baggage(candidate)
        if case is not None:
            return case
    return None


def _from_baggage(candidate: Context) -> Case | None:
    experiment_id = baggage.get_baggage(attributes.EXPERIMENT_ID, candidate)
    if not experiment_id:
        return None
    iteration = str(baggage.get_baggage(attributes.RUN_ITERATION, candidate) or "")
    return Case(
        experiment_id=str(experiment_id),
        run_id=str(baggage.get_baggage(attributes.RUN_ID, candidate) or ""),
        run_iteration=int(iteration) if iteration.isdecimal() else 1,
        record_id=str(baggage.get_baggage(attributes.RECORD_ID, candidate) or ""),
    )
