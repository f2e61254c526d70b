"""A service that is killed while an experiment runs, and comes back."""

from __future__ import annotations

import subprocess
from pathlib import Path

from support.gentrace_client import finish, start
from support.service import ServiceProcess

SCRIPTS = Path(__file__).parent / "scripts"


def turn(client: subprocess.Popen[str]) -> None:
    """Have the client run its case once more, and wait for it."""
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write("once more\n")
    client.stdin.flush()
    while (line := client.stdout.readline()) != "done\n":
        assert line, client.communicate()[1][-3000:]


def test_executions_go_on_being_counted_when_the_service_was_killed_between(
    tmp_path: Path, client_installed: None
) -> None:
    del client_installed
    with ServiceProcess(tmp_path / "service", f"chdb://{tmp_path / 'store'}") as service:
        service.start()
        client = start(service.endpoint, SCRIPTS / "outage.py", tmp_path)
        for _ in range(2):
            turn(client)
        service.kill()
        service.start()
        turn(client)
        done = finish(client)
        found = service.sql(
            "SELECT run_iteration, scores, record_id FROM experiment_results "
            "WHERE experiment_id = {id:String} ORDER BY run_iteration",
            id=done["experiment"],
        )
        [over] = service.sql("SELECT status FROM experiments")
    assert [(row["run_iteration"], row["scores"]) for row in found] == [(n, {"half": 0.5}) for n in (1, 2, 3)]
    assert len({row["record_id"] for row in found}) == 1
    assert over == {"status": "completed"}
