"""`opentelemetry-instrument python app.py`: an app that knows nothing of evalspan is recorded by it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evalspan import attributes as a
from evalspan.demo.llm import ReplayServer
from sdk.collector import Collector, attributes_of
from support.command import environment

COMMAND = Path(sys.executable).parent / "opentelemetry-instrument"
APP = """
    import sys, httpx
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "one two"}]}
    print(httpx.post(sys.argv[1] + "/chat/completions", json=body).status_code)
"""
# Left out: instrumentations that are here for other tests, and whose imports take seconds.
OTHERS = "openai,fastapi,asgi"


@pytest.fixture
def model() -> Iterator[ReplayServer]:
    with ReplayServer(lambda model, messages: "three") as server:
        yield server


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, collector: Collector, model: ReplayServer) -> Run:
    """Runs an app under `opentelemetry-instrument`."""

    def run_one(app: str = APP, *, disabled: str = OTHERS, **more: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "app.py").write_text(textwrap.dedent(app))
        variables = {"EVALSPAN_ENDPOINT": collector.url, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": disabled}
        return subprocess.run(
            [str(COMMAND), sys.executable, "app.py", model.base_url],
            cwd=tmp_path, env=environment(**(variables | more)), capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip

    return run_one


def test_an_unchanged_app_is_recorded_and_delivered_at_its_end(run: Run, collector: Collector) -> None:
    done = run()
    assert (done.stdout, done.stderr) == ("200\n", "")
    assert sorted(collector.names()) == ["POST", "chat gpt-4o"]
    (call,) = [span for span in collector.spans if span.name == "chat gpt-4o"]
    assert attributes_of(call)[a.USAGE_INPUT_TOKENS] == 2


def test_an_app_that_also_starts_evalspan_is_recorded_once(run: Run, collector: Collector) -> None:
    assert run("\n    import evalspan\n    evalspan.init()" + APP).stderr == ""
    assert sorted(collector.names()) == ["POST", "chat gpt-4o"]


def test_left_out_by_name_nothing_is_recorded(run: Run, collector: Collector) -> None:
    assert run(disabled=f"{OTHERS},evalspan").stdout == "200\n"
    assert collector.names() == []


def test_a_wrong_setting_leaves_the_app_and_other_instrumentations_alone(
    run: Run, collector: Collector
) -> None:
    done = run(EVALSPAN_EXIT_TIMEOUT="soon")
    assert done.stdout == "200\n"
    assert "EVALSPAN_EXIT_TIMEOUT='soon'" in done.stderr
    assert "Failed to auto initialize" not in done.stderr


def test_a_tracer_provider_that_a_distro_made_stays(run: Run, collector: Collector, tmp_path: Path) -> None:
    package = tmp_path / "acme"
    (package / "acme-1.0.dist-info").mkdir(parents=True)
    (package / "acme-1.0.dist-info" / "METADATA").write_text("Name: acme\nVersion: 1.0\n")
    (package / "acme-1.0.dist-info" / "entry_points.txt").write_text(
        "[opentelemetry_configurator]\nacme = acme:Configurator\n"
    )
    (package / "acme.py").write_text(
        textwrap.dedent("""
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        class Configurator:
            def configure(self, **kwargs):
                trace.set_tracer_provider(TracerProvider(resource=Resource.create({"service.name": "acme"})))
    """)
    )
    assert run(PYTHONPATH=str(package)).stderr == ""
    assert sorted(collector.names()) == ["POST", "chat gpt-4o"]
    assert {attributes_of(resource)["service.name"] for resource in collector.resources} == {"acme"}
