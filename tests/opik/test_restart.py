"""Nothing that merging needs is in memory only. (One embedded store per process at a time: hence a file of
its own.)"""

from __future__ import annotations

from pathlib import Path

import httpx
from opik import flow

from evalspan.api.server import Service
from evalspan.settings import Settings
from support.opik_client import BASE


def test_a_restart_between_writes_changes_nothing(tmp_path: Path) -> None:
    settings = Settings(store=f"chdb://{tmp_path / 'store'}", http_port=0, grpc_port=-1)
    with Service(settings) as running, httpx.Client(base_url=running.endpoint + BASE, timeout=60) as client:
        flow.prepare(client)
        whole, broken = flow.begin(client), flow.begin(client)
        flow.send(client, flow.writes(whole))
        writes = flow.writes(broken)
        flow.send(client, writes[::-2])
    with Service(settings) as running, httpx.Client(base_url=running.endpoint + BASE, timeout=60) as client:
        flow.send(client, writes[-2::-2])
        assert flow.state(running.endpoint, broken) == flow.state(running.endpoint, whole)


def test_what_cannot_be_stored_now_is_asked_for_again_as_the_queue_reads_it(
    tmp_path: Path,
) -> None:
    """After a 5xx the client drops the batch; with these headers it puts it back."""
    settings = Settings(store=f"chdb://{tmp_path / 'store'}", http_port=0, grpc_port=-1)
    with Service(settings) as running, httpx.Client(base_url=running.endpoint + BASE, timeout=60) as client:
        flow.prepare(client)
        writes = flow.writes(flow.begin(client))
        assert running._store is not None  # pyright: ignore[reportPrivateUsage] (no way to break it from outside)
        running._store.close()  # pyright: ignore[reportPrivateUsage]
        for method, path, body in writes:
            answer = client.request(method, path, json=body)
            assert answer.status_code == 429, (path, answer.text)
            assert int(answer.headers["ratelimit-reset"]) > 0
            assert answer.json()["code"] == 429
