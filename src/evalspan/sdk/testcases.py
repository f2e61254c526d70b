"""The cases of `eval_dataset`: what people pass as data, as records, and what their function gets.

A case without an id gets one from its inputs, as in `Dataset`: the same in every process.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar, cast

from pydantic import TypeAdapter

from evalspan.errors import UsageError
from evalspan.model import Json, Record
from evalspan.sdk.dataset import Dataset, identify, record_of

T = TypeVar("T")

_NAME = "name"


@dataclass(frozen=True)
class TestInput:
    """A local test case."""

    __test__: ClassVar[bool] = False  # pytest would take it for a class of tests
    inputs: Json
    name: str = ""
    """What people call it; kept as the record's metadata `name`."""
    id: str = ""
    """Which record it is in every experiment; made of the inputs where empty."""
    expected_outputs: Json = None
    metadata: Mapping[str, Json] = field(default_factory=dict[str, Json])
    tags: Sequence[str] = ()


@dataclass(frozen=True)
class TestCase(Generic[T]):
    """What the function of `eval_dataset` gets: copies, which are its own to change."""

    __test__: ClassVar[bool] = False
    id: str
    name: str
    inputs: Any
    """As plain data; with a schema, as it left the schema's hands: defaults filled, values converted."""
    parsed: T
    """What the schema made of the inputs: an instance of a pydantic model, say; else the inputs."""
    expected_outputs: Any
    metadata: dict[str, Json]
    tags: list[str]


Case = TestInput | Record | Mapping[str, Any]
Cases = Dataset | Iterable[Case]
Data = Cases | Callable[[], Cases | Awaitable[Cases]]
"""Cases, or a function (async or not) that gives them."""


async def load(data: Data) -> Dataset | list[Record]:
    """The data: a dataset as it is, anything else as records, each with an id.

    Raises:
        UsageError: it is neither, or is empty; the message has the index of a wrong case.
    """
    given: Any = data() if callable(data) else data
    if inspect.isawaitable(given):
        given = await given
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise UsageError(
            f"data={given!r:.80} must be a Dataset, a list of cases, or a function that gives them."
        )
    if not isinstance(given, Dataset):
        cases = list(cast("Iterable[Case]", given))
        # An id that stands twice is one record that runs twice.
        given = identify([_record(c, f"eval_dataset, case {i}") for i, c in enumerate(cases)], repeats=True)
    found = cast("Dataset | list[Record]", given)
    if not len(found):
        raise UsageError("eval_dataset has no cases: the data is empty.")
    return found


class Schema(Generic[T]):
    """Checks and converts inputs: a pydantic model, a TypedDict, a dataclass, any type of pydantic's."""

    def __init__(self, kind: type[T] | None) -> None:
        """Raises UsageError: pydantic cannot check that type."""
        try:
            self._adapter: TypeAdapter[Any] | None = None if kind is None else TypeAdapter(kind)
        except Exception as error:
            raise UsageError(f"schema={kind!r} is no type that inputs can be checked by: {error}") from error

    def case(self, record: Record) -> TestCase[T]:
        """The test case of a record.

        Raises:
            pydantic.ValidationError: the inputs do not fit.
        """
        inputs = copy.deepcopy(record.input)
        parsed = inputs
        if self._adapter is not None:
            parsed = self._adapter.validate_python(inputs)
            inputs = self._adapter.dump_python(parsed)
        metadata = copy.deepcopy(record.metadata)
        return TestCase(
            id=record.id,
            name=str(metadata.get(_NAME, "")),
            inputs=inputs,
            parsed=cast("T", parsed),
            expected_outputs=copy.deepcopy(record.expected_output),
            metadata=metadata,
            tags=list(record.tags),
        )


def _record(case: Any, where: str) -> Record:
    if isinstance(case, TestInput):
        metadata = {**({_NAME: case.name} if case.name else {}), **case.metadata}
        return record_of(
            {
                "id": case.id,
                "input": case.inputs,
                "expected_output": case.expected_outputs,
                "metadata": metadata,
                "tags": list(case.tags),
            },
            where,
        )
    if isinstance(case, Mapping) and "inputs" in case:
        given = cast("Mapping[str, Any]", case)
        try:
            return _record(TestInput(**given), where)
        except TypeError as error:
            known = ", ".join(TestInput.__dataclass_fields__)
            raise UsageError(f"{where}: {error}; a case with 'inputs' has {known}.") from None
    return record_of(cast("Mapping[str, Any]", case), where)
