"""The service's clock jumps, while it runs and while it is down: the later sending wins all the same.

The service runs with `time.time_ns` replaced by one that is as many seconds off as a file says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ingest.build import log, logs, span, traces
from support.service import ServiceProcess

pytestmark = pytest.mark.slow

HOUR = 3600
PROGRAM = """
import pathlib, sys, time
genuine, offset = time.time_ns, pathlib.Path(sys.argv.pop(1))
time.time_ns = lambda: genuine() + int(offset.read_text()) * 10**9
from evalspan.cli import main
main()
"""


class Jumping(ServiceProcess):
    """A service whose clock can be set."""

    def __init__(self, folder: Path, store: str) -> None:
        super().__init__(folder, store)
        self._offset = folder / "offset"
        self.set_clock(0)
        self.command = [sys.executable, "-c", PROGRAM, str(self._offset), "serve"]

    def set_clock(self, seconds: int) -> None:
        whole = self._offset.with_suffix(".new")
        whole.write_text(str(seconds), encoding="utf-8")
        whole.rename(self._offset)

    def send(self, path: str, body: bytes) -> None:
        headers = {"content-type": "application/x-protobuf"}
        httpx.post(f"{self.endpoint}{path}", content=body, headers=headers, timeout=60).raise_for_status()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Jumping]:
    with Jumping(tmp_path / "service", f"chdb://{tmp_path / 'store'}") as process:
        yield process


def test_the_later_sending_wins_whatever_the_clock_did_in_between(service: Jumping) -> None:
    one = span()
    for number, (offset, again) in enumerate(
        [(0, False), (HOUR, False), (0, False), (-HOUR, True), (0, True)]
    ):
        service.set_clock(offset)
        if again or not number:
            if number:
                service.kill()
            service.start()
        one.name = f"sending {number}"
        score = {"gen_ai.evaluation.name": "judge", "gen_ai.evaluation.score.value": float(number)}
        record = log(score, event_name="gen_ai.evaluation.result", trace_id=one.trace_id, span_id=one.span_id)
        service.send("/v1/traces", traces(one).SerializeToString())
        service.send("/v1/logs", logs(record).SerializeToString())
        assert service.sql("SELECT name FROM spans") == [{"name": one.name}]
        assert service.sql("SELECT score_value FROM evaluations") == [{"score_value": number}]
