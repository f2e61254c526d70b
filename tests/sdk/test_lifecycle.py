"""Starting: an app's own tracing is left as it is, and nothing is sent twice."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest
from opentelemetry.sdk.trace import TracerProvider

import evalspan
from evalspan import UsageError
from evalspan.sdk import target
from evalspan.settings import load
from sdk.collector import Answer, Collector, Request, attributes_of
from sdk.conftest import Start


def run(script: str, **environment: str) -> str:
    """A process of its own: the global tracer provider can be set once."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_an_apps_global_provider_stays_and_gets_our_processor_once(collector: Collector) -> None:
    script = """
        import evalspan
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        own = TracerProvider()
        trace.set_tracer_provider(own)
        for _ in range(3):
            evalspan.init(capture=False)
        assert trace.get_tracer_provider() is own
        trace.get_tracer("app").start_span("once").end()
        assert evalspan.flush(10)
    """
    output = run(script, EVALSPAN_ENDPOINT=collector.url)
    assert collector.names() == ["once"]
    assert "Overriding" not in output


def test_without_a_provider_ours_becomes_global_and_has_no_limits(collector: Collector) -> None:
    script = """
        import evalspan
        from opentelemetry import trace
        evalspan.init(capture=False)
        span = trace.get_tracer("app").start_span("wide")
        span.set_attributes({f"key-{n}": n for n in range(1000)})
        span.end()
        assert evalspan.flush(10)
    """
    # A sampler named in the environment would silently delete cases.
    run(script, EVALSPAN_ENDPOINT=collector.url, OTEL_TRACES_SAMPLER="always_off", OTEL_SERVICE_NAME="shop")
    assert len(attributes_of(collector.spans[0])) == 1000
    assert attributes_of(collector.resources[0])["service.name"] == "shop"


def test_a_provider_of_another_kind_stays_global(collector: Collector) -> None:
    script = """
        import evalspan
        from opentelemetry import trace
        class Foreign(trace.NoOpTracerProvider): ...
        own = Foreign()
        trace.set_tracer_provider(own)
        evalspan.init(capture=False)
        assert trace.get_tracer_provider() is own
    """
    run(script, EVALSPAN_ENDPOINT=collector.url)


def test_a_later_init_moves_delivery_and_keeps_what_was_queued(start: Start, collector: Collector) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    with Collector() as other:
        start(collector.url, provider)
        provider.get_tracer("app").start_span("first").end()
        evalspan.init(endpoint=other.url)
        provider.get_tracer("app").start_span("second").end()
        assert evalspan.flush(10)
        assert (collector.names(), other.names()) == (["first"], ["second"])


def test_after_shutdown_spans_are_ignored_and_init_starts_anew(start: Start, collector: Collector) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    start(collector.url, provider)
    assert evalspan.shutdown()
    provider.get_tracer("app").start_span("ignored").end()
    start(collector.url, provider)
    provider.get_tracer("app").start_span("kept").end()
    assert evalspan.flush(10)
    assert collector.names() == ["kept"]


def test_a_providers_force_flush_tells_the_truth(start: Start) -> None:
    with Collector(lambda _: Answer(400)) as refusing:
        provider = TracerProvider(shutdown_on_exit=False)
        start(refusing.url, provider)
        provider.get_tracer("app").start_span("refused").end()
        assert provider.force_flush() is False


def test_the_api_key_goes_to_the_service_and_not_to_another_host(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Request] = []

    def keep(request: Request) -> Answer:
        seen.append(request)
        return Answer()

    with Collector(keep) as collector:
        runtime = start(collector.url, api_key="secret")
        runtime.provider.get_tracer("app").start_span("keyed").end()
        assert evalspan.flush(10)
    assert seen[0].headers["authorization"] == "Bearer secret"
    elsewhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example:4318"}
    assert target.resolve("spans", runtime.settings, elsewhere).headers == {}


@pytest.mark.parametrize(
    ("environment", "spans", "scores"),
    [
        ({}, "http://127.0.0.1:4318/v1/traces", "http://127.0.0.1:4318/v1/logs"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1/"}, "http://c:1/v1/traces", "http://c:1/v1/logs"),
        (
            {
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t:2/x",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1",
            },
            "http://t:2/x",
            "http://c:1/v1/logs",
        ),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http://127.0.0.1:4317", "http://127.0.0.1:4317"),
        (
            {"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "c:4317"},
            "http://127.0.0.1:4318/v1/traces",
            "c:4317",
        ),
    ],
)
def test_the_otel_variables_say_where_telemetry_goes(
    environment: dict[str, str], spans: str, scores: str
) -> None:
    settings = load(environ={})
    assert target.resolve("spans", settings, environment).endpoint == spans
    assert target.resolve("scores", settings, environment).endpoint == scores


def test_a_protocol_that_is_not_spoken_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="OTEL_EXPORTER_OTLP_PROTOCOL='http/json'"):
        target.resolve("spans", load(environ={}), {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"})


def test_importing_the_package_loads_neither_tracing_nor_exporters() -> None:
    run("import sys, evalspan; assert not {'opentelemetry', 'requests', 'httpx'} & set(sys.modules)")


def test_every_public_name_can_be_had() -> None:
    for name in evalspan.__all__:
        assert getattr(evalspan, name) is not None
        assert name in dir(evalspan)
