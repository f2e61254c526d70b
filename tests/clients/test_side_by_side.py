"""The same four records through four clients: one query over `experiment_results` shows equal values."""

from __future__ import annotations

from collections import defaultdict

import httpx
import pytest

from clients.conftest import Sql
from evalspan.api.server import Service
from support.markdown import ROOT, blocks

pytestmark = pytest.mark.slow

PAGE = "docs/clients.md"
CLIENTS = ["ddtrace", "evalspan", "gentrace", "opik"]
COLUMNS = """run_iteration, input, output, expected_output, status, error, error_type, scores, labels,
    llm_calls, input_tokens, output_tokens, total_tokens, cost_usd, dataset, experiment"""


def test_every_value_of_every_execution_is_the_same_from_all_four_clients(sql: Sql) -> None:
    found = sql(f"SELECT project, {COLUMNS} FROM experiment_results ORDER BY input, run_iteration, project")
    told: defaultdict[str, list[str]] = defaultdict(list)
    for row in found:
        told[str({name: value for name, value in row.items() if name != "project"})].append(row["project"])
    assert set(map(tuple, told.values())) == {tuple(CLIENTS)}, told
    assert len(told) == len(sql("SELECT DISTINCT input, run_iteration FROM experiment_results")) == 8


def test_the_record_that_fails_says_why_and_has_no_score(sql: Sql) -> None:
    failed = sql(
        """SELECT JSONExtractString(input, 'country') AS country, run_iteration AS run, error, scores,
           total_tokens, count() AS n
           FROM experiment_results WHERE status = 'error' GROUP BY ALL ORDER BY run"""
    )
    assert [row.pop("run") for row in failed] == [1, 2]
    for row in failed:
        assert row.pop("scores") == {}
        assert row == {"country": "Atlantis", "error": "no country Atlantis", "total_tokens": None, "n": 4}


def test_the_aggregates_of_the_four_experiments_are_equal(sql: Sql) -> None:
    found = sql(
        """SELECT e.project AS project, s.mean AS mean, s.n_records AS n_records, s.n_scores AS n_scores
           FROM experiment_summary AS s INNER JOIN experiments AS e ON e.experiment_id = s.experiment_id
           WHERE s.evaluator = 'exact_match' ORDER BY project"""
    )
    assert [row["project"] for row in found] == CLIENTS
    assert {(row["n_records"], row["n_scores"]) for row in found} == {(3, 6)}
    assert {round(row["mean"], 9) for row in found} == {round(2 / 3, 9)}


def test_the_query_of_the_page_gives_the_table_of_the_page(sql: Sql, service: Service) -> None:
    sql("SELECT 1")
    [statement] = blocks(PAGE, "sql")
    options = {"format": "Markdown"}
    answer = httpx.post(f"{service.endpoint}/sql", content=statement, params=options, timeout=60)
    assert answer.status_code == 200, answer.text
    lines = (ROOT / PAGE).read_text("utf-8").splitlines()
    shown = answer.text.replace("\\N", "NULL").splitlines()
    assert [line for line in lines if line in shown] == shown
