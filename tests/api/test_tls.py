"""The service behind a certificate: HTTP and gRPC, our own clients, and clients that must show one."""

from __future__ import annotations

import os
import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import httpx
import pytest

import evalspan
from evalspan.api.server import Service
from evalspan.errors import UsageError
from evalspan.settings import Settings
from sdk.conftest import Start, start
from support.certificates import Certificate, certificate
from support.command import Evalspan

__all__ = ["start"]
AUTHORITY = "OTEL_EXPORTER_OTLP_CERTIFICATE"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"), "service")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, pair: Certificate) -> Iterator[Service]:
    settings = Settings(
        store=f"chdb://{tmp_path_factory.mktemp('secured')}", http_port=0, grpc_port=0,
        tls_cert_file=pair.certificate, tls_key_file=pair.key,
    )  # fmt: skip
    with Service(settings) as running:
        yield running


def test_the_service_answers_over_tls_and_only_so(secured: Service, pair: Certificate) -> None:
    assert secured.endpoint.startswith("https://")
    trusting = ssl.create_default_context(cafile=pair.certificate)
    assert httpx.get(f"{secured.endpoint}/healthz", verify=trusting).status_code == 200
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{secured.endpoint}/healthz")
    with pytest.raises(httpx.HTTPError):
        httpx.get(secured.endpoint.replace("https", "http"))


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_an_experiment_runs_over_tls_with_opentelemetrys_own_variable(
    secured: Service, pair: Certificate, start: Start, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    monkeypatch.setenv(AUTHORITY, pair.certificate)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    start(secured.endpoint, grpc_port=int(secured.grpc_endpoint.rsplit(":", 1)[1]))
    result = evalspan.experiment(name="secured", task=lambda: 1, dataset=[{"input": 1}]).run()
    assert result.delivery.complete
    assert result.delivery.spans.acknowledged == 1


@pytest.mark.parametrize("variable", [AUTHORITY, "SSL_CERT_FILE"])
def test_the_command_line_trusts_what_the_variables_name(
    secured: Service, pair: Certificate, evalspan: Evalspan, variable: str
) -> None:
    asked = {"EVALSPAN_ENDPOINT": secured.endpoint}
    found = evalspan("query", "SELECT 41 + 1", **asked, **{variable: pair.certificate})
    assert "42" in found.stdout, found.stderr
    refused = evalspan("query", "SELECT 1", **asked)
    assert refused.returncode == 3
    assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr


def test_the_doctor_goes_by_the_same_certificates(
    secured: Service, pair: Certificate, evalspan: Evalspan
) -> None:
    asked = {"EVALSPAN_ENDPOINT": secured.endpoint}
    well = evalspan("doctor", **asked, **{AUTHORITY: pair.certificate})
    assert "problem" not in well.stdout, well.stdout
    untrusted = evalspan("doctor", "--no-probe", **asked)
    assert (untrusted.returncode, "certificate" in untrusted.stdout.lower()) == (1, True)
    absent = evalspan("doctor", "--no-probe", **asked, **{AUTHORITY: "/nowhere.pem"})
    assert (absent.returncode, "/nowhere.pem" in absent.stdout) == (1, True)


def test_clients_that_must_show_a_certificate_are_refused_without_one(
    tmp_path: Path, pair: Certificate, server_address: str
) -> None:
    client = certificate(tmp_path, "client")
    settings = Settings(
        store=server_address, http_port=0, grpc_port=0, tls_cert_file=pair.certificate,
        tls_key_file=pair.key, tls_client_ca_file=client.certificate,
    )  # fmt: skip
    authority, own, key = (
        Path(name).read_bytes() for name in (pair.certificate, client.certificate, client.key)
    )
    with Service(settings) as service:
        context = ssl.create_default_context(cafile=pair.certificate)
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"{service.endpoint}/healthz", verify=context)
        context.load_cert_chain(client.certificate, client.key)
        assert httpx.get(f"{service.endpoint}/healthz", verify=context).status_code == 200
        assert not reached(service.grpc_endpoint, grpc.ssl_channel_credentials(authority))
        assert reached(service.grpc_endpoint, grpc.ssl_channel_credentials(authority, key, own))


def test_renewed_files_hold_for_the_connections_that_come_after_them(
    tmp_path: Path, server_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, old, new = (certificate(tmp_path, name) for name in ("first", "second", "old", "new"))
    files = {name: str(tmp_path / f"served.{name}") for name in ("pem", "key", "ca")}

    def put(**paths: str) -> None:
        for name, path in paths.items():
            shutil.copy(path, tmp_path / "next")
            os.replace(tmp_path / "next", files[name])

    def answers(served: Certificate, shown: Certificate) -> list[bool]:
        """Whether HTTP and gRPC show a certificate and take the client's."""
        context = ssl.create_default_context(cafile=served.certificate)
        context.load_cert_chain(shown.certificate, shown.key)
        parts = (Path(name).read_bytes() for name in (served.certificate, shown.key, shown.certificate))
        try:
            by_http = httpx.get(f"{service.endpoint}/healthz", verify=context).status_code == 200
        except httpx.HTTPError:
            by_http = False
        return [by_http, reached(service.grpc_endpoint, grpc.ssl_channel_credentials(*parts))]

    put(pem=first.certificate, key=first.key, ca=old.certificate)
    settings = Settings(
        store=server_address, http_port=0, grpc_port=0, tls_cert_file=files["pem"],
        tls_key_file=files["key"], tls_client_ca_file=files["ca"],
    )  # fmt: skip
    with Service(settings) as service:
        assert answers(first, old) == [True, True]
        put(pem=second.certificate)  # its key is not there yet
        deadline = time.monotonic() + 60
        while "stays in use" not in caplog.text:
            assert time.monotonic() < deadline
            assert answers(first, old) == [True, True]
        put(key=second.key, ca=new.certificate)
        while answers(second, new) != [True, True]:
            assert time.monotonic() < deadline
        assert answers(second, old) == answers(first, new) == [False, False]


def reached(address: str, credentials: grpc.ChannelCredentials) -> bool:
    with grpc.secure_channel(address, credentials) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=3)
        except grpc.FutureTimeoutError:
            return False
    return True


def both(pair: Certificate) -> dict[str, str]:
    return {"tls_cert_file": pair.certificate, "tls_key_file": pair.key}


@pytest.mark.parametrize(
    "change",
    [
        lambda files: {**files, "tls_key_file": ""},
        lambda files: {**files, "tls_cert_file": "/nowhere.pem"},
        lambda files: {**files, "tls_cert_file": files["tls_key_file"]},
        lambda files: {**files, "tls_client_ca_file": files["tls_key_file"]},
        lambda _files: {"tls_client_ca_file": "/nowhere.pem"},
    ],
    ids=["no key", "no file", "a key for a certificate", "a key for authorities", "authorities alone"],
)
def test_files_that_do_not_fit_are_refused_at_the_start(
    pair: Certificate, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    with pytest.raises(UsageError, match="TLS"):
        Service(Settings.model_validate(change(both(pair))))
