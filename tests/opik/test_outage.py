"""The service is killed in the middle of an experiment of the unmodified client, and comes back.

The client keeps what it could not send and sends it when it next sees the service, up to ten seconds later.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from support.opik_client import BASE, QUIET
from support.process import wait_until
from support.service import ServiceProcess

SCRIPT = Path(__file__).parent / "scripts" / "outage.py"


@pytest.mark.slow
def test_a_killed_service_loses_nothing_of_an_experiment_and_counts_nothing_twice(
    python: Path, tmp_path: Path
) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OPIK_", "PYTHON"))}
    begun = tmp_path / "begun"
    with ServiceProcess(tmp_path, f"chdb://{tmp_path / 'store'}").start() as service:
        address = {"OPIK_URL_OVERRIDE": service.endpoint + BASE, "HOME": str(tmp_path)}
        log = tmp_path / "client.log"
        with log.open("w", encoding="utf-8") as written, subprocess.Popen(
            [str(python), str(SCRIPT)], cwd=tmp_path, env={**clean, **QUIET, **address},
            stdout=written, stderr=written,
        ) as client:  # fmt: skip
            wait_until(lambda: begun.exists() or client.poll() is not None, 120)
            service.kill()
            (tmp_path / "back").touch()
            service.start()
            assert client.wait(300) == 0, log.read_text(encoding="utf-8")[-4000:]
        found = service.sql(
            """SELECT count() AS n, uniq(record_id) AS records, uniq(trace_id) AS traces,
                countIf(scores['equals_metric'] = 1) AS scored
            FROM experiment_results WHERE experiment_id = {id:String}""",
            id=json.loads(log.read_text(encoding="utf-8").strip().rpartition("\n")[2])["experiment_id"],
        )
        assert found == [{"n": 20, "records": 20, "traces": 20, "scored": 20}]
