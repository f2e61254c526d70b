"""Datasets: records from Python, JSONL, CSV or the service.

A record without an id gets one made from its input, the same in every process: `resume` and
comparisons between experiments find the record again, also after its expected output was corrected.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from evalspan.errors import NotFoundError, UsageError
from evalspan.model import Json, Record
from evalspan.sdk import lifecycle, tables

_INPUT_KEYS = ("input", "input_data")
_KEYS = {*_INPUT_KEYS, "expected_output", "metadata", "tags", "id"}
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")

Fields = str | Sequence[str]
"""One column (its value), or several (an object of them)."""


class Dataset(Sequence[Record]):
    """Records under a name. Like a list of `Record`; `push` stores it at the service."""

    def __init__(
        self,
        records: Iterable[Mapping[str, Any] | Record],
        name: str = "",
        *,
        description: str = "",
        metadata: Mapping[str, Json] | None = None,
        project: str | None = None,
    ) -> None:
        """`records`: mappings with `input` (or `input_data`), `expected_output`, `metadata`, `tags`, `id`.

        Raises:
            UsageError: a record is not one; the message has its index.
        """
        where = f"dataset {name!r}" if name else "the dataset"
        self.name = name
        self.description = description
        self.metadata = dict(metadata or {})
        self.project = project
        self.id = ""
        """Its id at the service, once pulled or pushed."""
        self.version: int | None = None
        """The version that these records are, once pulled or pushed."""
        self.tags: list[str] = []
        """The record tags it was pulled by: then it is a subset."""
        self._records = identify([record_of(r, f"{where}, record {i}") for i, r in enumerate(records)])

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Any:
        return cast("Any", self._records[index])

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __repr__(self) -> str:
        version = "" if self.version is None else f", version={self.version}"
        return f"Dataset({self.name!r}, {len(self)} records{version})"

    @classmethod
    def from_jsonl(
        cls,
        path: str | Path,
        *,
        name: str | None = None,
        input: Fields | None = None,
        expected_output: Fields | None = None,
        metadata: Sequence[str] | None = None,
        tags: str | None = None,
        id: str | None = None,
    ) -> Dataset:
        """One JSON object per line. Without `input` the keys are those of the constructor.

        Raises:
            UsageError: with file and line of what is wrong.
        """
        pick = tables.Pick(input, expected_output, metadata, tags, id)
        return cls._from_lines(tables.read_jsonl(Path(path)), pick, name or Path(path).stem)

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        name: str | None = None,
        input: Fields | None = None,
        expected_output: Fields | None = None,
        metadata: Sequence[str] | None = None,
        tags: str | None = None,
        id: str | None = None,
        delimiter: str = ",",
    ) -> Dataset:
        """A header line, then a record per line; cells are strings. `tags` are separated by commas.

        Raises:
            UsageError: with file and line of what is wrong.
        """
        pick = tables.Pick(input, expected_output, metadata, tags, id)
        return cls._from_lines(tables.read_csv(Path(path), delimiter), pick, name or Path(path).stem)

    @classmethod
    def pull(
        cls, name: str, version: int | None = None, tags: Sequence[str] = (), project: str | None = None
    ) -> Dataset:
        """A stored dataset: a version (the current one by default), records with all of `tags`.

        Raises:
            NotFoundError: no such dataset or version. ServiceError.
        """
        runtime = lifecycle.start()
        project = project or runtime.settings.project
        project_id = runtime.client.project(project)
        entity = runtime.client.find_dataset(project_id, name)
        if entity is None:
            raise NotFoundError(f"There is no dataset {name!r} in project {project!r}.")
        records = runtime.client.records(project_id, entity.id, version, tags)
        dataset = cls(records, name, description=entity.attributes.get("description") or "", project=project)
        dataset.id = entity.id
        dataset.version = int(entity.attributes["current_version"]) if version is None else version
        dataset.tags = list(tags)
        return dataset

    def push(self, project: str | None = None) -> Dataset:
        """Stores new and changed records; a new version only if there are any. Never deletes.

        Raises:
            UsageError: it has no name. ServiceError.
        """
        if not self.name:
            raise UsageError("A dataset needs a name to be pushed: Dataset(records, name=...).")
        runtime = lifecycle.start()
        self.project = project or self.project or runtime.settings.project
        project_id = runtime.client.project(self.project)
        entity = runtime.client.dataset(project_id, self.name, self.description, self.metadata)
        changed = runtime.client.put_records(project_id, entity.id, self._records)
        self.id = entity.id
        self.version = int(entity.attributes["current_version"]) if changed is None else changed
        return self

    @classmethod
    def _from_lines(cls, lines: Iterable[tables.Line], pick: tables.Pick, name: str) -> Dataset:
        return cls([record_of(pick.record(line), line.where) for line in lines], name)


def record_of(given: Mapping[str, Any] | Record, where: str) -> Record:
    """A mapping as a record; `where` begins the message of an error."""
    if isinstance(given, Record):
        return given
    if not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - people pass anything
        raise UsageError(f"{where}: a record is a mapping with 'input', not {given!r:.80}.")
    unknown = [key for key in given if key not in _KEYS]
    if unknown:
        raise UsageError(f"{where}: unknown key {unknown[0]!r}; a record has {', '.join(sorted(_KEYS))}.")
    inputs = [key for key in _INPUT_KEYS if key in given]
    if len(inputs) != 1:
        raise UsageError(f"{where}: exactly one of 'input' and 'input_data' is needed, got {sorted(given)}.")
    metadata: Any = given.get("metadata") or {}
    tags: Any = given.get("tags") or []
    if not isinstance(metadata, Mapping):
        raise UsageError(f"{where}: metadata must be an object, not {metadata!r:.80}.")
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in cast("Sequence[Any]", tags)):
        raise UsageError(f"{where}: tags must be a list of strings, not {tags!r:.80}.")
    return Record(
        id=_checked_id(given.get("id"), where),
        input=given[inputs[0]],
        expected_output=given.get("expected_output"),
        metadata={str(key): value for key, value in cast("Mapping[Any, Any]", metadata).items()},
        tags=list(cast("Sequence[str]", tags)),
    )


def _checked_id(given: Any, where: str) -> str:
    text = "" if given is None else str(given)
    if text and not _ID.fullmatch(text):
        raise UsageError(f"{where}: id {text!r:.140} must be at most 128 letters, digits or any of _ . : -")
    return text


def identify(records: list[Record], *, repeats: bool = False) -> list[Record]:
    """Every record with an id; given ones are unique unless `repeats`, made ones get a suffix."""
    given = Counter(record.id for record in records if record.id)
    if given and not repeats and (top := given.most_common(1)[0])[1] > 1:
        raise UsageError(f"The record id {top[0]!r} stands {top[1]} times in the dataset; ids are unique.")
    seen: Counter[str] = Counter()
    identified: list[Record] = []
    for record in records:
        if not record.id:
            made = made_id(record.input)
            seen[made] += 1
            suffix = f"-{seen[made]}" if seen[made] > 1 else ""
            record = record.model_copy(update={"id": made + suffix})  # noqa: PLW2901
        identified.append(record)
    return identified


def made_id(value: Json) -> str:
    """An id that follows from an input."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=_lasting)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _lasting(value: object) -> str:
    """An object as text that is the same in the next process: without its address."""
    text = str(value)
    return type(value).__qualname__ if " at 0x" in text else text
