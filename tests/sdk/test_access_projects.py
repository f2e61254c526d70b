"""An experiment of the SDK with the key of a project, and with more than the role lets it do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

import evalspan
from evalspan.api.server import Service
from evalspan.errors import AccessError
from evalspan.keyfile import KeyFile, RoleName
from evalspan.settings import load
from sdk.conftest import Start

RECORDS = [{"id": str(number), "input": number} for number in range(3)]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("guarded")
    KeyFile(folder / "keys.json", create=True).add(["admin"], now=datetime.now(UTC))
    given = {"store": f"chdb://{folder / 'store'}", "http_port": 0, "grpc_port": 0, "api_keys": "all"}
    with Service(load({**given, "keys_file": str(folder / "keys.json")}, {})) as running:
        yield running


def key(service: Service, *roles: RoleName) -> str:
    made, _ = KeyFile(service.settings.keys_file).add(roles, now=datetime.now(UTC), project="mine")
    return made


def exact(output_data: int, expected_output: object) -> bool:
    return expected_output is None and output_data == 1


def experiment(name: str, dataset: evalspan.Dataset | None = None) -> evalspan.Experiment:
    data = dataset or evalspan.Dataset(name="numbers", records=RECORDS)
    return evalspan.experiment(name=name, task=lambda: 1, dataset=data, evaluators=[exact])


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_the_role_ingest_is_enough_to_run(
    guarded: Service, start: Start, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    port = int(guarded.grpc_endpoint.rsplit(":", 1)[1])
    own = key(guarded, "ingest")
    start(guarded.endpoint, api_key=own, project="mine", grpc_port=port, control_timeout=5)
    _until_known(guarded, own)
    result = experiment(f"sent by {protocol.partition('/')[0]}").run(jobs=2)
    assert result.delivery.complete
    assert (result.delivery.spans.acknowledged, result.delivery.scores.acknowledged) == (6, 3)


def test_resuming_reads_so_it_needs_the_role_read_too(guarded: Service, start: Start) -> None:
    sends, both = key(guarded, "ingest"), key(guarded, "ingest", "read")
    _until_known(guarded, both)
    start(guarded.endpoint, api_key=sends, project="mine")
    experiment("resumed").run()
    with pytest.raises(AccessError, match="needs admin or read"):
        experiment("resumed").run(resume=True)
    start(guarded.endpoint, api_key=both, project="mine")
    assert experiment("resumed").run(resume=True).delivery.spans.acknowledged == 0


def test_another_project_is_refused_before_anything_runs(guarded: Service, start: Start) -> None:
    own = key(guarded, "ingest", "read")
    _until_known(guarded, own)
    start(guarded.endpoint, api_key=own, project="yours")
    with pytest.raises(AccessError, match="of the project 'mine', not of 'yours'"):
        experiment("denied").run()


def _until_known(service: Service, made: str) -> None:
    """A running service sees a new key within a second."""

    headers = {"authorization": f"Bearer {made}"}
    for _ in range(100):
        if httpx.get(f"{service.endpoint}/api/v2/llm-obs/v1/datasets", headers=headers).status_code == 200:
            return
        time.sleep(0.05)
