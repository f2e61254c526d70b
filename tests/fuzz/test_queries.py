"""Queries of people, in SQL and in the search language: answered, or refused with a reason."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fuzz import messages
from fuzz.conftest import Served

PIECES = st.sampled_from([
    "SELECT ", "1", "*", " FROM ", "spans", "evaluations", " WHERE ", "(", ")", ",", "'", "`", '"', "\\",
    "--", "/*", "*/", ";", "{x:String}", "{", "}", "$$", " FORMAT ", "JSON", "Null", " LIMIT 1", "SETTINGS ",
    "SHOW ", "EXPLAIN ", " UNION ALL ", "WITH ", " AS ", "x", " IN ", "[", "]", "->", "count()", "\0", "é",
    "\n", "0x", "1e400", "DESCRIBE ", "file(", "SYSTEM ", "INTO OUTFILE ",
])  # fmt: skip


TAKEN_OR_REFUSED = {200, 400, 404, 413}


@given(st.lists(PIECES, max_size=14).map("".join) | messages.texts)
@settings(max_examples=50)
@example("SELECT " + "(" * 2000 + "1" + ")" * 2000)
@example("SELECT " + "[" * 3000)
@example("SELECT 1 " * 5000)
@example("SELECT 1 FORMAT Null")
@example("SELECT '\\0\\xff'")
def test_any_text_as_sql_is_answered_or_refused_with_a_reason(served: Served, statement: str) -> None:
    answer = served.client.post("/sql", content=statement.encode(), params={"param_x": statement[:50]})
    assert answer.status_code in TAKEN_OR_REFUSED
    if answer.status_code != 200:
        assert answer.json()["errors"][0]["detail"]


@given(body=st.binary(max_size=30))
@settings(max_examples=30)
def test_any_bytes_as_sql_are_answered_or_refused(served: Served, body: bytes) -> None:
    assert served.client.post("/sql", content=body).status_code in TAKEN_OR_REFUSED


@pytest.mark.parametrize("path", ["/sql", "/api/v2/llm-obs/v1/experiments/events"])
@given(name=messages.text, value=messages.texts)
@settings(max_examples=40)
def test_any_parameter_is_taken_or_refused(served: Served, path: str, name: str, value: str) -> None:
    parameters = {"format": value, f"param_{name}": value, "filter[project_name]": value, "x" + name: value}
    method, body = ("POST", b"SELECT 1") if path == "/sql" else ("GET", b"")
    answer = served.client.request(method, path, content=body, params=parameters)
    assert answer.status_code in TAKEN_OR_REFUSED
