"""`evalspan doctor` where a store or its service is what is wrong.

Apart from `test_doctor.py`, whose service stays open: one process has one embedded store at a time.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import httpx

from evalspan.api.server import Service
from evalspan.settings import Settings
from evalspan.store import Store
from ingest.build import span, traces
from support.doctor import Doctor, lines


def test_what_the_service_lost_is_named_with_its_reason(doctor: Doctor, tmp_path: Path) -> None:
    store = f"chdb://{tmp_path / 'other'}"
    with Service(Settings(store=store, http_port=0, grpc_port=-1)) as service:
        llm = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
        late = time.time_ns() + 3600 * 10**9
        future = span(start_time_unix_nano=late, end_time_unix_nano=late)
        body = traces(span(llm), span(span_id=b"\1"), future).SerializeToString()
        headers = {"content-type": "application/x-protobuf"}
        assert httpx.post(f"{service.endpoint}/v1/traces", content=body, headers=headers).is_success
        found = lines(doctor("--endpoint", service.endpoint), "warning")
    assert ["1 spans of 'checkout' start in the future" in found[0], len(found)] == [True, 3]
    assert "1 spans were rejected since the service started: span_id must be 8 bytes" in found[1]
    assert "1 LLM spans came without token usage" in found[2]


def test_a_store_that_does_not_answer_is_named(doctor: Doctor, tmp_path: Path) -> None:
    store = f"chdb://{tmp_path / 'other'}"
    running = Service(Settings(store=store, http_port=0, grpc_port=-1))
    with running as service:
        assert running._store is not None  # pyright: ignore[reportPrivateUsage] (no way to break it from outside)
        running._store.close()  # pyright: ignore[reportPrivateUsage]
        done = doctor("--endpoint", service.endpoint, "--no-probe")
    assert done.exit_code == 1
    assert "does not reach its store" in lines(done, "problem")[0]


def test_a_store_that_a_newer_evalspan_wrote_is_named(doctor: Doctor, tmp_path: Path) -> None:
    with Store(f"chdb://{tmp_path / '.evalspan'}") as store:
        store.command("INSERT INTO schema_versions (version, fingerprint) VALUES (900, '')")
    found = lines(
        doctor(EVALSPAN_STORE="chdb://.evalspan", EVALSPAN_ENDPOINT="http://127.0.0.1:9"), "problem"
    )
    assert len(found) == 2
    assert "newer evalspan wrote it: schema 900" in found[1]


def test_a_store_that_another_program_holds_is_named_with_the_holder(doctor: Doctor, tmp_path: Path) -> None:
    with Store(f"chdb://{tmp_path / '.evalspan'}"), socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = doctor(EVALSPAN_STORE="chdb://.evalspan", EVALSPAN_ENDPOINT=endpoint)
    assert f"process {os.getpid()}" in lines(done, "warning")[0]


def test_the_service_that_holds_the_local_store_is_named(doctor: Doctor, tmp_path: Path) -> None:
    with Service(Settings(store=f"chdb://{tmp_path / '.evalspan'}", http_port=0, grpc_port=-1)) as service:
        done = doctor(EVALSPAN_STORE="chdb://.evalspan", EVALSPAN_ENDPOINT="http://127.0.0.1:9")
    assert f"answers at {service.endpoint}" in lines(done, "warning")[0]
