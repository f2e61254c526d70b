"""The most memory that a service takes by its settings: said where people look, and held by the engine."""

from __future__ import annotations

from pathlib import Path

import httpx

from evalspan.api.server import Service
from evalspan.memory import cap
from evalspan.settings import MIB, Settings
from support.doctor import Doctor, doctor, lines

__all__ = ["doctor"]


def test_the_cap_follows_every_setting_that_bounds_memory() -> None:
    small = Settings(store="chdb://x", store_max_memory=500 * MIB, max_pending_bytes=MIB, max_body_bytes=MIB)
    least = cap(small).total
    for more in (
        {"store_max_memory": 600 * MIB}, {"max_pending_bytes": 2 * MIB}, {"max_body_bytes": 2 * MIB},
        {"query_concurrency": 32},
    ):  # fmt: skip
        assert cap(small.model_copy(update=more)).total > least, more
    assert cap(small.model_copy(update={"store": "http://default@127.0.0.1:1/x"})).engine == 0


def test_a_service_says_the_most_that_it_takes_and_its_engine_keeps_to_it(
    tmp_path: Path, doctor: Doctor
) -> None:
    settings = Settings(
        store=f"chdb://{tmp_path / 'store'}", http_port=0, grpc_port=-1, store_max_memory=2048 * MIB
    )
    most = cap(settings).total
    with Service(settings) as service:
        metrics = httpx.get(f"{service.endpoint}/metrics").text
        told = lines(doctor("--endpoint", service.endpoint, "--no-probe"), "ok")
        query = "SELECT length(arraySort(groupArray(number))) FROM numbers(1000000000)"
        refused = httpx.post(f"{service.endpoint}/sql", content=query, timeout=120)
        assert httpx.post(f"{service.endpoint}/sql", content="SELECT 1").status_code == 200
    assert str(cap(settings)).startswith(f"{most // MIB:,d} MiB")  # what `evalspan serve` greets with
    assert f"evalspan_memory_limit_bytes {most}" in metrics
    assert any(f"by its settings at most {most // MIB:,d}" in line for line in told)
    assert refused.status_code == 503
    assert "(total)" in refused.text
