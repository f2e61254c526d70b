"""`evalspan doctor`: each thing broken for real, and named."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from evalspan.api.server import Service
from evalspan.keyfile import KeyFile
from evalspan.settings import Settings
from support.absent import absent
from support.doctor import Doctor, lines

KEY = "let me in"
OTHER_VERSION = b'service_version="0.0.9"'
Findings = list[dict[str, str]]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Keys by role, and '' for the file that knows them."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    file = KeyFile(path, create=True)
    roles: tuple[Literal["read", "ingest"], ...] = ("read", "ingest")
    return {"": str(path)} | {role: file.add([role], now=datetime.now(UTC))[0] for role in roles}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]) -> Iterator[Service]:
    """A service that asks for a key; nothing here makes it lose anything."""
    store = f"chdb://{tmp_path_factory.mktemp('doctor') / 'store'}"
    settings = Settings(store=store, http_port=0, grpc_port=0, api_keys=KEY, keys_file=keys[""])
    with Service(settings) as running:
        yield running


def at(service: Service, *arguments: str) -> list[str]:
    return ["--endpoint", service.endpoint, "--api-key", KEY, *arguments]


def test_a_healthy_setup_is_ok_line_by_line(doctor: Doctor, service: Service) -> None:
    done = doctor(*at(service))
    assert (done.exit_code, lines(done, "warning"), lines(done, "problem")) == (0, [], [])
    checked = [line.split()[0] for line in lines(done, "ok")]
    assert checked == [
        "packages", "variables", "endpoint", "store", "key", "clock", "version", "memory", "losses", "spans",
        "scores",
    ]  # fmt: skip


def test_the_probe_is_in_no_result_and_says_whose_it_is(doctor: Doctor, service: Service) -> None:
    doctor(*at(service))
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=service.endpoint, headers=headers) as client:
        counted = client.post("/sql", content="SELECT count() AS n FROM experiment_results").json()
        names = client.post("/sql", content="SELECT DISTINCT service_name, experiment_id FROM spans").json()
    assert counted == {"n": 0}
    assert names == {"service_name": "evalspan-doctor", "experiment_id": ""}


def test_as_json_it_says_the_same(doctor: Doctor, service: Service) -> None:
    done = doctor(*at(service, "--json", "--no-probe"), OTEL_SDK_DISABLED="true")
    found: Findings = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [(one["check"], one["advice"]) for one in found if one["state"] == "problem"] == [
        ("variables", "Unset it for this program.")
    ]
    assert {one["check"] for one in found} >= {"packages", "endpoint", "key", "losses"}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, "nothing is recorded"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio"}, "experiments lose spans"),
        ({"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1000"}, "are cut"),
        ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "32"}, "keep that many"),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "requests,httpx"}, "leaves out httpx"),
        ({"OTEL_PROPAGATORS": "b3"}, "no traceparent"),
        ({"EVALSPAN_API_KYE": "x"}, "Did you mean EVALSPAN_API_KEY?"),
        ({"EVALSPAN_CAPTURE": "false"}, "LLM calls are not recorded"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_a_variable_that_costs_telemetry_is_named(
    doctor: Doctor, service: Service, variables: dict[str, str], said: str
) -> None:
    done = doctor(*at(service, "--no-probe"), **variables)
    found = lines(done, "warning") + lines(done, "problem")
    assert len(found) == 1
    assert next(iter(variables)) in found[0]
    assert said in found[0]


def test_a_package_that_is_too_old_is_named_with_what_is_needed(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = tmp_path / "older" / "requests-2.0.0.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: requests\nVersion: 2.0.0\n")
    monkeypatch.syspath_prepend(str(described.parent))
    found = lines(doctor("--endpoint", "http://127.0.0.1:9"), "problem")[0]
    assert "requests is 2.0.0, evalspan needs >=2.32" in found


def test_a_setting_that_cannot_be_read_is_named_with_its_value(doctor: Doctor) -> None:
    done = doctor(EVALSPAN_HTTP_PORT="eighty")
    assert done.exit_code == 1
    assert "EVALSPAN_HTTP_PORT='eighty'" in lines(done, "problem")[0]


def _port(address: str) -> str:
    return address.rsplit(":", 1)[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: f"{s.endpoint}/v1/traces", "/v1/traces/v1/traces"),
        (lambda s: f"http://127.0.0.1:{_port(s.grpc_endpoint)}", "speaks gRPC"),
        (lambda s: f"https://127.0.0.1:{_port(s.endpoint)}", "Write http://127.0.0.1"),
        (lambda s: f"127.0.0.1:{_port(s.endpoint)}", "no base URL"),
        (lambda _: "http://127.0.0.1:9", "Nothing answers"),
        (lambda _: "http://no-such-host.invalid:4318", "Nothing answers"),
    ],
    ids=["doubled path", "gRPC port", "https for http", "no scheme", "nothing there", "unknown host"],
)
def test_an_endpoint_that_is_not_the_service_is_named(
    doctor: Doctor, service: Service, change: Callable[[Service], str], said: str
) -> None:
    done = doctor("--endpoint", change(service), "--api-key", KEY)
    assert done.exit_code == 1
    found = lines(done, "problem")
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((), "asks for an API key"), (("--api-key", "wrong"), "does not know this API key")],
    ids=["missing", "wrong"],
)
def test_a_key_that_is_missing_or_wrong_is_named(
    doctor: Doctor, service: Service, arguments: tuple[str, ...], said: str
) -> None:
    done = doctor("--endpoint", service.endpoint, "--no-probe", *arguments)
    assert done.exit_code == 1
    assert said in lines(done, "problem")[0]
    assert "EVALSPAN_API_KEY" in lines(done, "problem")[0]


@pytest.mark.parametrize(
    ("role", "state", "said"),
    [("read", "problem", "The key may not send"), ("ingest", "warning", "The key may not read")],
)
def test_a_key_without_the_role_that_is_needed_is_named(
    doctor: Doctor, service: Service, keys: dict[str, str], role: str, state: str, said: str
) -> None:
    done = doctor("--endpoint", service.endpoint, "--api-key", keys[role])
    assert done.exit_code == (1 if state == "problem" else 0)
    assert said in lines(done, state)[0]
    assert f"has the role {role}" in lines(done, state)[0]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PROTOCOL": "grpc", "ENDPOINT": "{http}"}, "That port speaks HTTP"),
        ({"PROTOCOL": "http/protobuf", "ENDPOINT": "http://{grpc}"}, "That port speaks gRPC"),
        ({"PROTOCOL": "grpc", "ENDPOINT": "{grpc}"}, "speaks without TLS"),
        ({"PROTOCOL": "http/json"}, "OTEL_EXPORTER_OTLP_PROTOCOL='http/json'"),
        ({"ENDPOINT": "{http}/v1/traces"}, "The path is doubled"),
        ({"TRACES_ENDPOINT": "{http}", "LOGS_ENDPOINT": "{http}"}, "should end in /v1/traces"),
        ({"ENDPOINT": "http://127.0.0.1:9"}, "Does it run"),
    ],
    ids=["http as grpc", "grpc as http", "no scheme", "no protocol", "doubled", "no path", "nothing there"],
)
def test_telemetry_that_is_sent_the_wrong_way_is_named(
    doctor: Doctor, service: Service, variables: dict[str, str], said: str
) -> None:
    named = {
        f"OTEL_EXPORTER_OTLP_{name}": value.format(http=service.endpoint, grpc=service.grpc_endpoint)
        for name, value in variables.items()
    }
    done = doctor(*at(service), **named)
    assert done.exit_code == 1
    assert said in lines(done, "problem")[0]


def test_the_same_over_grpc_to_the_grpc_port_is_ok(doctor: Doctor, service: Service) -> None:
    named = {
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{service.grpc_endpoint}",
    }
    done = doctor(*at(service), **named)
    assert (done.exit_code, lines(done, "problem")) == (0, [])


def test_a_proxy_in_the_way_is_named_and_no_proxy_takes_it_out(doctor: Doctor, service: Service) -> None:
    done = doctor(*at(service), HTTP_PROXY="http://127.0.0.1:9")
    assert done.exit_code == 1
    assert "Add 127.0.0.1 to NO_PROXY" in lines(done, "problem")[0]
    assert "without it the service answers" in lines(done, "problem")[0]
    assert doctor(*at(service), HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="127.0.0.1").exit_code == 0


class _Stranger(BaseHTTPRequestHandler):
    """Says 200 to whatever is posted, as a Collector without an exporter does, and 404 to the rest."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer(200)

    def do_GET(self) -> None:
        self._answer(404)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


class _Relay(_Stranger):
    """Passes everything on to a service, and says that it is an hour later and another version."""

    behind: str

    def do_POST(self) -> None:
        self._relay(self.rfile.read(int(self.headers.get("content-length", 0))))

    def do_GET(self) -> None:
        self._relay(b"")

    def _relay(self, body: bytes) -> None:
        names = ("authorization", "content-type", "content-encoding")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        answer = httpx.request(self.command, self.behind + self.path, content=body, headers=headers)
        self.send_response_only(answer.status_code)
        self.send_header(
            "date", format_datetime(datetime.fromtimestamp(time.time() + 3600, UTC), usegmt=True)
        )
        content = answer.content.replace(f'service_version="{version("evalspan")}"'.encode(), OTHER_VERSION)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


Listening = Callable[..., str]


@pytest.fixture
def listening() -> Iterator[Listening]:
    """`listening(handler)` -> the base URL of a server of that handler, with TLS where a context is given."""
    opened: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def listen(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        opened.append((server, thread))
        return f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"

    yield listen
    for server, thread in opened:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_collector_in_the_place_of_the_service_is_named(doctor: Doctor, listening: Listening) -> None:
    done = doctor("--endpoint", listening(_Stranger))
    assert done.exit_code == 1
    assert "perhaps a Collector" in lines(done, "problem")[0]


def test_a_collector_that_passes_nothing_on_is_named(
    doctor: Doctor, service: Service, listening: Listening
) -> None:
    done = doctor(*at(service, "--wait", "0.5"), OTEL_EXPORTER_OTLP_ENDPOINT=listening(_Stranger))
    found = lines(done, "problem")
    assert done.exit_code == 1
    assert ["pass traces on" in found[0], "pass logs on" in found[1]] == [True, True]


def test_another_clock_and_another_version_are_named(
    doctor: Doctor, service: Service, listening: Listening
) -> None:
    relay = type("Relay", (_Relay,), {"behind": service.endpoint})
    done = doctor("--endpoint", listening(relay), "--api-key", KEY, "--no-probe")
    found = lines(done, "warning")
    assert done.exit_code == 0
    assert len(found) == 2
    assert re.search(r"clock is (3599|3600|3601) s ahead", found[0])
    assert "The service is evalspan 0.0.9" in found[1]


def test_a_certificate_that_is_not_trusted_is_named(
    doctor: Doctor, listening: Listening, tmp_path: Path
) -> None:
    openssl = shutil.which("openssl") or absent("There is no openssl to make a certificate with.")
    made = [
        openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=127.0.0.1",
    ]  # fmt: skip
    subprocess.run(made, cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    url = listening(_Stranger, context)
    assert "is not trusted here" in lines(doctor("--endpoint", url), "problem")[0]
    plain = lines(doctor("--endpoint", url.replace("https", "http")), "problem")[0]
    assert f"Write {url}" in plain
