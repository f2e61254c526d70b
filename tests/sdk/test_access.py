"""Against a service with API keys, the real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import evalspan
from evalspan.api.server import Service
from evalspan.errors import AccessError, ServiceError
from evalspan.settings import load
from sdk.conftest import Start

RECORDS = [{"input": number} for number in range(3)]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    store = f"chdb://{tmp_path_factory.mktemp('guarded')}"
    with Service(load({"store": store, "http_port": 0, "grpc_port": 0, "api_keys": "one,two"})) as running:
        yield running


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_the_key_opens_control_and_telemetry(
    guarded: Service, start: Start, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    port = int(guarded.grpc_endpoint.rsplit(":", 1)[1])
    start(guarded.endpoint, api_key="two", grpc_port=port)
    result = evalspan.experiment(name="keyed", task=lambda: 1, dataset=RECORDS).run()
    assert result.delivery.complete
    assert result.delivery.spans.acknowledged == 3


def test_a_wrong_key_is_refused_before_anything_runs(guarded: Service, start: Start) -> None:
    start(guarded.endpoint, api_key="three")
    ran: list[int] = []
    with pytest.raises(AccessError, match="401"):
        evalspan.experiment(name="denied", task=lambda: ran.append(1), dataset=RECORDS).run()
    assert ran == []


def test_a_service_that_is_not_there_is_named_with_what_to_do(start: Start, free_port: int) -> None:
    start(f"http://127.0.0.1:{free_port}", control_timeout=0.3)
    with pytest.raises(ServiceError, match=rf"Cannot reach .*:{free_port}.*evalspan serve"):
        evalspan.experiment(name="nobody", task=lambda: 1, dataset=RECORDS).run()
