"""What makes an experiment out of spans: the `evalspan.*` attributes and their `test.*` twins.

A span is a case when it says so (`evalspan.span.type` = CASE), or when it says nothing of its type
and carries `evalspan.experiment.name` (which stands on cases only), or an experiment id with an
input or output: so a program in any language records an experiment with three attributes. What it
leaves out is then derived from what it did state, the same way each time it is sent:
no record id -> the trace id, since one trace is one execution of one record;
no experiment id -> a UUID made of the project's and experiment's names; no iteration -> 1, or 0 where
it says that the views shall number the executions of its record by their start.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from evalspan import attributes as names
from evalspan.ingest.dialect import View, count, words

_MAX_UINT32: Final = 2**32 - 1
_MAX_INT64: Final = 2**63 - 1
_NAMESPACE: Final = uuid.UUID("6f1c0d8e-8f0a-5b8e-9d9b-6a3f0c1e7a52")
_EMPTY: Final[dict[str, str]] = {}


@dataclass(slots=True)
class Identity:
    """Which experiment, run, record and iteration something states; '' and 0 where it does not."""

    experiment_id: str = ""
    run_id: str = ""
    run_iteration: int = 0
    record_id: str = ""
    project: str = ""
    experiment: str = ""
    dataset_id: str = ""
    dataset: str = ""
    dataset_version: int | None = None
    by_start: bool = False
    """A case without an iteration, which the views give it."""


@dataclass(slots=True)
class Case:
    """What the case span says of its execution."""

    is_case: bool = False
    input_key: str = ""
    output_key: str = ""
    expected_key: str = ""
    metadata: dict[str, str] = field(default_factory=lambda: _EMPTY)
    experiment_metadata: dict[str, str] = field(default_factory=lambda: _EMPTY)
    tags: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class CaseKeys:
    """Which attributes of a span are metadata, each with its name below the prefix."""

    metadata: tuple[tuple[str, str], ...]
    experiment_metadata: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, keys: Iterable[str]) -> CaseKeys:
        """Those among the keys of a span."""
        known = tuple(keys)
        return cls(_below(known, names.METADATA_PREFIX), _below(known, names.EXPERIMENT_METADATA_PREFIX))


NOBODY: Final = Identity()
NO_CASE: Final = Case()


def identity(view: View) -> Identity:
    """Read the ids and names that a span or event states."""
    texts = view.texts
    version = count(texts.get(names.DATASET_VERSION))
    return Identity(
        experiment_id=_either(texts, names.EXPERIMENT_ID, names.TEST_SUITE_RUN_ID),
        run_id=texts.get(names.RUN_ID, ""),
        run_iteration=_iteration(_either(texts, names.RUN_ITERATION, names.TEST_CASE_RUN_ATTEMPT)),
        record_id=_either(texts, names.RECORD_ID, names.TEST_CASE_ID),
        project=texts.get(names.PROJECT_NAME, ""),
        experiment=_either(texts, names.EXPERIMENT_NAME, names.TEST_SUITE_NAME),
        dataset_id=texts.get(names.DATASET_ID, ""),
        dataset=texts.get(names.DATASET_NAME, ""),
        dataset_version=version if version is None or version <= _MAX_INT64 else None,
        by_start=texts.get(names.RUN_ITERATION_BY_START) == "true",
    )


def case(view: View, who: Identity, span_type: str, keys: CaseKeys) -> Case:
    """What a span says as a case. `span_type`: what the span is by other conventions, or ''."""
    texts = view.texts
    return Case(
        is_case=_is_case(texts, who, span_type),
        input_key=names.INPUT if names.INPUT in texts else "",
        output_key=names.OUTPUT if names.OUTPUT in texts else "",
        expected_key=names.EXPECTED_OUTPUT if names.EXPECTED_OUTPUT in texts else "",
        metadata={name: texts[key] for key, name in keys.metadata},
        experiment_metadata={name: texts[key] for key, name in keys.experiment_metadata},
        tags=list(words(view.value(names.TAGS)) or ()),
    )


def complete(who: Identity, trace_id: str) -> None:
    """Derive what a case left out."""
    who.experiment_id = who.experiment_id or derived_id(who)
    who.record_id = who.record_id or trace_id
    who.by_start = who.by_start and not who.run_iteration
    if not who.by_start:
        who.run_iteration = who.run_iteration or 1


def derived_id(who: Identity) -> str:
    """The id of an experiment that states only its name; '' when it states no name either."""
    if not who.experiment:
        return ""
    return str(uuid.uuid5(_NAMESPACE, f"{who.project}\0{who.experiment}"))


def with_prefix(texts: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The attributes below a prefix, the prefix left out."""
    found = {key[len(prefix) :]: text for key, text in texts.items() if key.startswith(prefix)}
    return found or _EMPTY


def _below(keys: tuple[str, ...], prefix: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, key[len(prefix) :]) for key in keys if key.startswith(prefix))


def _is_case(texts: Mapping[str, str], who: Identity, span_type: str) -> bool:
    stated = texts.get(names.SPAN_TYPE, "")
    if stated:
        return stated.upper() == names.CASE and bool(who.experiment_id or who.experiment)
    if span_type:
        return False
    if who.experiment:
        return True
    return bool(who.experiment_id) and (names.INPUT in texts or names.OUTPUT in texts)


def _either(texts: Mapping[str, str], ours: str, twin: str) -> str:
    return texts.get(ours) or texts.get(twin, "")


def _iteration(text: str) -> int:
    number = count(text)
    return number if number is not None and number <= _MAX_UINT32 else 0
