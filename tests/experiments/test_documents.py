"""Small documents, on both engines."""

from __future__ import annotations

import pytest

from evalspan.errors import ConflictError, NotFoundError
from evalspan.experiments import documents
from evalspan.store import Store


def test_a_document_reads_as_it_was_last_written(store: Store) -> None:
    made = documents.create(store, "note", "1", {"text": "ä", "n": [1, None]}, parent="p", name="first")
    assert documents.get(store, "note", "1", "p") == made
    changed = documents.put(store, made.model_copy(update={"body": {"text": "b"}, "name": "second"}))
    assert documents.get(store, "note", "1", "p") == changed
    assert changed.created_at == made.created_at
    assert documents.find(store, "note", names=["first"]) == []


def test_a_document_is_told_by_kind_and_parent_and_id(store: Store) -> None:
    for kind, parent, project in (("note", "p", "x"), ("note", "q", "y"), ("prompt", "p", "x")):
        documents.create(store, kind, "1", {"of": kind + parent}, parent=parent, project_id=project)
    assert [each.body["of"] for each in documents.find(store, "note")] == ["notep", "noteq"]
    assert [each.body["of"] for each in documents.find(store, "note", project_id="y")] == ["noteq"]
    assert [each.body["of"] for each in documents.find(store, "prompt", parent="p", ids=["1", "2"])] == [
        "promptp"
    ]
    assert documents.find(store, "note", ids=[]) == []


def test_a_removed_document_is_gone_and_its_id_free_again(store: Store) -> None:
    documents.create(store, "note", "1", {})
    with pytest.raises(ConflictError, match="a note '1' already"):
        documents.create(store, "note", "1", {})
    documents.remove(store, "note", "1")
    with pytest.raises(NotFoundError, match="no note '1'"):
        documents.get(store, "note", "1")
    assert documents.create(store, "note", "1", {"again": True}) == documents.get(store, "note", "1")
