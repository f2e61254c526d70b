"""Delivery against receivers with real faults: nothing is lost, or its loss is counted."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider

from evalspan import attributes
from evalspan.sdk.context import Case
from evalspan.sdk.lifecycle import Runtime
from sdk.collector import Answer, Collector, Request, attributes_of
from sdk.conftest import Start

CASE = Case("experiment-1", "run-1", 2, "record-7")


def make_spans(runtime: Runtime, count: int, case: Case | None = CASE, text: str = "") -> None:
    """Spans as an app makes them, inside a case or outside any."""
    tracer = runtime.provider.get_tracer("test")
    within = Context() if case is None else case.enter(Context())
    for number in range(count):
        tracer.start_span(f"span-{number}", within, attributes={"text": text}).end()


def refuse_first(count: int, answer: Answer) -> Callable[[Request], Answer]:
    return lambda request: answer if request.number <= count else Answer()


def test_spans_are_acknowledged_and_counted(start: Start, collector: Collector) -> None:
    runtime = start(collector.url)
    make_spans(runtime, 25)
    assert runtime.delivery.flush(10)
    spans = runtime.delivery.ledger.account().spans
    assert (spans.produced, spans.acknowledged, spans.failed) == (25, 25, 0)
    assert len(collector.spans) == 25


def test_a_busy_service_is_asked_again_after_the_time_it_names(start: Start) -> None:
    busy = Answer(503, {"Retry-After": "1"})
    with Collector(refuse_first(2, busy)) as collector:
        runtime = start(collector.url)
        began = time.monotonic()
        make_spans(runtime, 3)
        assert runtime.delivery.flush(20)
        assert time.monotonic() - began > 1.9
        assert collector.times_each_span_came() == {1: 3}


@pytest.mark.slow
def test_a_retry_after_longer_than_the_exporters_own_deadline_loses_nothing(start: Start) -> None:
    with Collector(refuse_first(1, Answer(429, {"Retry-After": "11"}))) as collector:
        runtime = start(collector.url)
        make_spans(runtime, 3)
        assert runtime.delivery.flush(30)
        assert collector.times_each_span_came() == {1: 3}


def test_a_service_that_dies_and_comes_back_gets_everything_once(start: Start) -> None:
    first = Collector()
    with first:
        runtime = start(first.url)
        make_spans(runtime, 10)
        assert runtime.delivery.flush(10)
    make_spans(runtime, 10)
    assert not runtime.delivery.flush(0.8)
    with Collector(port=first.port) as second:
        assert runtime.delivery.flush(20)
        assert len(second.spans) == 10
        assert second.times_each_span_came() == {1: 10}


def test_a_service_that_stays_away_is_given_up_and_counted(start: Start) -> None:
    runtime = start("http://127.0.0.1:9", delivery_timeout=1.0)
    make_spans(runtime, 5)
    assert not runtime.delivery.flush(20)
    account = runtime.delivery.ledger.account()
    assert (account.spans.failed, account.pending) == (5, 0)
    assert any("Connection refused" in reason for reason in account.reasons)


def test_a_batch_over_the_limit_is_split_until_it_fits(start: Start) -> None:
    with Collector(lambda request: Answer(413 if request.size > 3000 else 200)) as collector:
        runtime = start(collector.url)
        make_spans(runtime, 100, text="x" * 500)
        assert runtime.delivery.flush(20)
        assert collector.times_each_span_came() == {1: 100}


def test_one_item_that_is_too_large_does_not_sink_its_neighbours(start: Start) -> None:
    with Collector(lambda request: Answer(413 if request.size > 1_000_000 else 200)) as collector:
        runtime = start(collector.url)
        make_spans(runtime, 5, text="small")
        make_spans(runtime, 1, text="x" * 10_000_000)
        make_spans(runtime, 5, text="small")
        assert not runtime.delivery.flush(20)
        account = runtime.delivery.ledger.account()
        assert (account.spans.acknowledged, account.spans.failed) == (10, 1)
        assert any("413" in reason for reason in account.reasons)


def test_a_large_prompt_travels_alone(start: Start, collector: Collector) -> None:
    runtime = start(collector.url)
    make_spans(runtime, 3, text="small")
    make_spans(runtime, 1, text="x" * 10_000_000)
    make_spans(runtime, 3, text="small")
    assert runtime.delivery.flush(20)
    sizes = sorted(request.size for request in collector.requests)
    assert sizes[-1] < 10_001_000
    assert len(collector.spans) == 7


def test_what_the_service_rejects_is_counted_with_its_words(start: Start) -> None:
    with Collector(lambda _: Answer(rejected=2, message="span id is zero")) as collector:
        runtime = start(collector.url)
        make_spans(runtime, 6)
        assert not runtime.delivery.flush(10)
        account = runtime.delivery.ledger.account()
        assert (account.spans.acknowledged, account.spans.failed) == (4, 2)
        assert account.reasons["rejected by the service: span id is zero"] == 2
        assert len(collector.requests) == 1


def test_a_refusal_is_final_and_named(start: Start) -> None:
    with Collector(lambda _: Answer(401)) as collector:
        runtime = start(collector.url)
        make_spans(runtime, 2)
        assert not runtime.delivery.flush(10)
        account = runtime.delivery.ledger.account()
        assert account.spans.failed == 2
        assert any("401" in reason for reason in account.reasons)
        assert len(collector.requests) == 1


def test_a_service_that_hangs_is_asked_again(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    with Collector(
        lambda request: Answer(delay=2.0, status=503) if request.number == 1 else Answer()
    ) as collector:
        runtime = start(collector.url)
        make_spans(runtime, 4)
        assert runtime.delivery.flush(20)
        assert collector.times_each_span_came() == {1: 4}


def test_ten_thousand_spans_pass_a_slow_service_and_a_small_queue(start: Start) -> None:
    with Collector(lambda _: Answer(delay=0.02)) as collector:
        runtime = start(collector.url, max_queue_bytes=100_000, max_batch_bytes=30_000)
        make_spans(runtime, 10_000)
        assert runtime.delivery.flush(60)
        assert collector.times_each_span_came() == {1: 10_000}
        assert runtime.delivery.ledger.account().failed == 0


def test_a_full_queue_makes_an_experiment_wait(start: Start) -> None:
    with Collector(lambda _: Answer(delay=0.3)) as collector:
        runtime = start(collector.url, max_queue_bytes=20_000, max_batch_bytes=10_000)
        began = time.monotonic()
        make_spans(runtime, 40, text="x" * 1000)
        assert time.monotonic() - began > 0.5
        assert runtime.delivery.flush(20)


def test_outside_experiments_a_full_queue_drops_after_a_short_wait_and_counts(start: Start) -> None:
    with Collector(lambda _: Answer(delay=0.5)) as collector:
        runtime = start(collector.url, max_queue_bytes=5_000, max_batch_bytes=2_000, app_wait=0.01)
        began = time.monotonic()
        make_spans(runtime, 40, case=None, text="x" * 1000)
        assert time.monotonic() - began < 2
        assert not runtime.delivery.flush(20)
        spans = runtime.delivery.ledger.account().spans
        assert spans.failed > 0
        assert spans.acknowledged == len(collector.spans) == 40 - spans.failed


def test_ids_survive_the_attribute_limit_of_the_apps_own_provider(start: Start, collector: Collector) -> None:
    runtime = start(collector.url, TracerProvider(shutdown_on_exit=False))
    tracer = runtime.provider.get_tracer("test")
    for number in range(20):
        span = tracer.start_span(f"wide-{number}", CASE.enter(Context()))
        span.set_attributes({f"key-{index}": index for index in range(300)})
        span.end()
    assert runtime.delivery.flush(10)
    assert len(collector.spans) == 20
    for span in collector.spans:
        found = attributes_of(span)
        assert found[attributes.EXPERIMENT_ID] == found[attributes.TEST_SUITE_RUN_ID] == "experiment-1"
        assert found[attributes.RUN_ITERATION] == 2
        assert found[attributes.RECORD_ID] == "record-7"
        assert span.dropped_attributes_count == found[attributes.DROPPED_ATTRIBUTES] > 150


def test_what_has_no_encoding_is_replaced_and_the_span_arrives(start: Start, collector: Collector) -> None:
    runtime = start(collector.url)
    tracer = runtime.provider.get_tracer("test")
    tracer.start_span("odd", CASE.enter(Context()), attributes={"half": "a\ud800b", "huge": 2**70}).end()
    assert runtime.delivery.flush(10)
    found = attributes_of(collector.spans[0])
    assert found["half"] == "a?b"
    assert found["huge"] == str(2**70)


def test_an_unsampled_span_is_not_sent(start: Start, collector: Collector) -> None:
    runtime = start(collector.url)
    unsampled = trace.SpanContext(1, 2, True, trace.TraceFlags(0))
    parent = trace.set_span_in_context(trace.NonRecordingSpan(unsampled), Context())
    runtime.provider.get_tracer("test").start_span("child", parent).end()
    assert runtime.delivery.flush(5)
    assert collector.spans == []


def test_a_forked_child_delivers_its_own_and_the_parent_its_own(collector: Collector) -> None:
    script = """
        import os, multiprocessing, evalspan
        from opentelemetry import trace
        evalspan.init(capture=False)
        tracer = trace.get_tracer("test")
        for number in range(5):
            tracer.start_span(f"parent-{number}").end()
        def child():
            for number in range(5):
                tracer.start_span(f"child-{number}").end()
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start(); process.join()
        pid = os.fork()
        if pid == 0:
            tracer.start_span("forked").end()
            os._exit(0 if evalspan.flush(10) else 1)
        assert os.waitpid(pid, 0)[1] == 0
    """
    run_script(script, collector.url)
    expected = [f"{who}-{number}" for who in ("child", "parent") for number in range(5)]
    assert collector.names() == sorted([*expected, "forked"])


def test_the_end_of_the_process_flushes(collector: Collector) -> None:
    script = """
        import evalspan
        from opentelemetry import trace
        evalspan.init(capture=False)
        trace.get_tracer("test").start_span("last").end()
    """
    run_script(script, collector.url)
    assert collector.names() == ["last"]


def test_the_end_of_the_process_does_not_wait_long_for_a_dead_service() -> None:
    script = """
        import evalspan
        from opentelemetry import trace
        evalspan.init(capture=False, exit_timeout=0.5)
        trace.get_tracer("test").start_span("last").end()
    """
    began = time.monotonic()
    stderr = run_script(script, "http://127.0.0.1:9")
    assert time.monotonic() - began < 8
    assert "1 items were not delivered" in stderr


def run_script(script: str, url: str) -> str:
    environment = {**os.environ, "EVALSPAN_ENDPOINT": url}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr
