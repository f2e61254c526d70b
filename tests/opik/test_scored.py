"""An experiment as opik.evaluate makes it and reads it back, beside what SQL says of it."""

from __future__ import annotations

import httpx
import pytest

from support.opik_client import Run, Sql


def test_the_client_reads_of_an_experiment_what_sql_says_of_it(
    run: Run, ask: Sql, opik: httpx.Client
) -> None:
    seen = run("scored")
    assert (seen["named"], seen["tags"], seen["temperature"]) == (True, ["nightly"], 0.5)
    assert (seen["traces"], seen["status"], seen["version"]) == (3, "completed", "v1")
    assert seen["quantiles"] is seen["prompts"] is True
    assert seen["feedback"] == [["equals_metric", pytest.approx(2 / 3)]]
    assert seen["scores"] == [["share", pytest.approx(2 / 3)]]
    rows = ask("SELECT * FROM experiment_results WHERE experiment_id = {id:String}", id=seen["id"])
    assert sorted((row["input"], row["scores"]["equals_metric"]) for row in rows) == [
        ('"a"', 1),
        ('"b"', 0),
        ('"c"', 1),
    ]
    assert {(row["dataset_version"], row["metadata"]["kind"], row["total_tokens"]) for row in rows} == {
        (1, "old", 13)
    }
    assert seen["cost"] == pytest.approx(sum(row["cost_usd"] for row in rows))
    assert seen["usage"] == {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}
    [summary] = ask(
        "SELECT name, score_value FROM evaluations WHERE experiment_id = {id:String} AND source = 'summary'",
        id=seen["id"],
    )
    assert summary == {"name": "share", "score_value": pytest.approx(2 / 3)}
    page = httpx.get(seen["url"], follow_redirects=True)
    assert page.status_code == 200
    assert seen["id"] in str(page.url)
