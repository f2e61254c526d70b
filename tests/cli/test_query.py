"""`evalspan query`"""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from evalspan.store import Store
from support.command import Evalspan


@pytest.fixture
def filled(tmp_path: Path) -> None:
    Store(f"chdb://{tmp_path / '.evalspan'}").close()


@pytest.mark.usefixtures("filled")
def test_a_query_without_a_service_reads_the_store_itself(evalspan: Evalspan) -> None:
    done = evalspan("query", "SELECT 1 AS one, 'x' AS two")
    assert (done.returncode, done.stdout) == (0, '"one","two"\n1,"x"\n')


@pytest.mark.usefixtures("filled")
def test_formats_have_short_names_and_parameters_are_bound(evalspan: Evalspan) -> None:
    done = evalspan("query", "SELECT {n:UInt8} AS n", "--param", "n=7", "--format", "jsonl")
    assert json.loads(done.stdout) == {"n": 7}
    table = evalspan("query", "SELECT 7 AS n", "--format", "table")
    assert "│ 7 │" in table.stdout


@pytest.mark.usefixtures("filled")
def test_a_statement_may_begin_with_a_comment(evalspan: Evalspan) -> None:
    for statement in ("-- one\nSELECT 1 AS one", "--one\nSELECT 1 AS one"):
        done = evalspan("query", statement, "--format", "csv")
        assert (done.returncode, done.stdout) == (0, '"one"\n1\n'), done.stderr
    assert "No such option" in evalspan("query", "--frmat", "csv").stderr


def test_a_query_goes_through_the_service_that_has_the_store_open(
    evalspan: Evalspan, served: subprocess.Popen[str]
) -> None:
    assert served.poll() is None
    done = evalspan("query", "SELECT count() AS n FROM experiment_results")
    assert (done.returncode, done.stdout) == (0, '"n"\n0\n')


def test_a_stopped_service_frees_its_store(evalspan: Evalspan, served: subprocess.Popen[str]) -> None:
    served.send_signal(signal.SIGTERM)
    served.wait(30)
    assert evalspan("query", "SELECT 1").returncode == 0


def test_a_killed_service_frees_its_store(evalspan: Evalspan, served: subprocess.Popen[str]) -> None:
    served.kill()
    served.wait(30)
    assert evalspan("query", "SELECT 1").returncode == 0


def test_where_there_is_no_store_a_query_says_so_and_makes_none(evalspan: Evalspan, tmp_path: Path) -> None:
    done = evalspan("query", "SELECT 1")
    assert done.returncode == 2
    assert "There is no store in" in done.stderr
    assert not (tmp_path / ".evalspan").exists()


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["SELECT nothing FROM spans"], "nothing"),
        (["DROP TABLE spans_data"], "reading statements"),
        ([""], "no query"),
        (["SELECT 1", "--param", "n"], "NAME=VALUE"),
        (["--question", "what"], "no question 'what'"),
        (["SELECT 1", "--store", "mysql://x"], "neither chdb://PATH nor http"),
    ],
)
def test_a_wrong_query_ends_with_2_and_one_line(evalspan: Evalspan, arguments: list[str], said: str) -> None:
    done = evalspan("query", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_service_that_does_not_answer_ends_with_3(evalspan: Evalspan) -> None:
    done = evalspan("query", "SELECT 1", EVALSPAN_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 3
    assert "http://127.0.0.1:9 does not answer" in done.stderr


@pytest.mark.usefixtures("filled")
def test_the_ready_made_questions_are_listed(evalspan: Evalspan) -> None:
    listed = evalspan("query", "--question", "list").stdout.splitlines()
    assert len(listed) >= 20
