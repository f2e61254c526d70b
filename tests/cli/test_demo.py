"""`evalspan demo`: the README's first command."""

from __future__ import annotations

import pytest

from support.command import Evalspan


@pytest.mark.slow
def test_the_demo_prints_results_and_the_sql_behind_them_and_leaves_its_data(evalspan: Evalspan) -> None:
    done = evalspan("demo")
    assert done.returncode == 0, done.stderr
    assert "exact_match" in done.stdout
    assert "SELECT" in done.stdout
    assert done.stderr == ""
    asked = evalspan(
        "query", "SELECT run_iteration, count() AS n FROM experiment_results GROUP BY ALL ORDER BY ALL"
    )
    assert [line.split(",")[0] for line in asked.stdout.splitlines()] == ['"run_iteration"', "1", "2", "3"]
    models = evalspan(
        "query", "SELECT count() AS n FROM spans WHERE span_type = 'LLM' AND input_tokens IS NULL"
    )
    assert models.stdout == '"n"\n0\n'
