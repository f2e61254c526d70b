"""What a redaction hides leaves the process nowhere, and who works with it still sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider

import evalspan
from capture.provider import COMPLETION, Provider, Reply
from evalspan import EvaluatorResult, attributes, capture
from evalspan.api.server import Service
from evalspan.capture import content
from evalspan.sdk import lifecycle
from sdk.collector import Collector, attributes_of

SECRET = "hunter2"
HIDDEN = "[hidden]"


def hide(value: Any) -> Any:
    return json.loads(json.dumps(value).replace(SECRET, HIDDEN))


@pytest.fixture
def apps(service: Service, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[TracerProvider]:
    """The app's tracer provider; its telemetry goes to the collector, redacted."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setattr(lifecycle, "_redact", None)  # a redaction outlives even a shutdown
    provider = TracerProvider(shutdown_on_exit=False)
    evalspan.init(endpoint=service.endpoint, tracer_provider=provider, redact=hide, exit_timeout=0.5)
    yield provider
    capture.uninstall()
    content.configure()


def exported(collector: Collector) -> bytes:
    return b"".join(item.SerializeToString() for item in (*collector.spans, *collector.logs))


def of_another_instrumentation(provider: TracerProvider) -> None:
    """A span as OpenInference makes it, of a call that fails."""
    values = {
        "input.value": json.dumps({"messages": [SECRET]}),
        "output.value": f"It is {SECRET}.",
        "llm.input_messages.0.message.content": SECRET,
        "llm.model_name": "gpt-4o",
        "retrieval.documents": [SECRET, "none"],
        "llm.token_count.prompt": 7,
    }
    with provider.get_tracer("openinference.instrumentation.openai").start_as_current_span(
        "ChatCompletion", attributes=values
    ) as span:
        span.add_event("gen_ai.user.message", {"content": SECRET})
        raise RuntimeError(f"no {SECRET}")


def judge(input_data: str, output_data: str, expected_output: str) -> EvaluatorResult:
    seen = all(SECRET in value for value in (input_data, output_data, expected_output))
    return EvaluatorResult(seen, reasoning=f"It says {SECRET}.", metadata={"said": SECRET})


def label(output_data: str) -> str:
    return output_data


def structure(output_data: str) -> dict[str, str]:
    return {"output": output_data}


def broken(output_data: str) -> float:
    raise ValueError(f"cannot judge {output_data}")


def test_a_secret_in_every_place_is_in_no_exported_byte(
    apps: TracerProvider, collector: Collector, service: Service
) -> None:
    def task(input_data: str) -> str:
        with evalspan.span("look_up", span_type="TOOL", input={"of": SECRET}) as step:
            step.set_output([SECRET])
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": input_data}]}
        httpx.post(f"{model.base_url}/chat/completions", json=body)
        with pytest.raises(RuntimeError):
            of_another_instrumentation(apps)
        if "fail" in input_data:
            raise ValueError(f"cannot do {input_data}")
        return f"The password is {SECRET}."

    said = {"role": "assistant", "content": f"It is {SECRET}."}
    with Provider() as model:
        model.reply = Reply(chunks=[json.dumps({**COMPLETION, "choices": [{"message": said}]}).encode()])
        records = [{"input": f"{what} {SECRET}", "expected_output": SECRET} for what in ("say", "fail")]
        result = evalspan.experiment(
            name="secret", task=task, dataset=records, evaluators=[judge, label, structure, broken]
        ).run()
    assert len(collector.spans) > 10
    assert SECRET.encode() not in exported(collector)
    assert HIDDEN.encode() in exported(collector)
    good, failed = result.rows
    assert good.evaluations["judge"].value is True  # the evaluators saw what it is
    assert SECRET in good.output
    assert SECRET in (failed.error or "")


def test_a_run_that_fails_tells_the_service_no_more_than_its_spans(
    apps: TracerProvider, service: Service
) -> None:
    def task(input_data: str) -> str:
        raise ValueError(f"cannot do {input_data}")

    result = evalspan.experiment(name="failing", task=task, dataset=[{"input": SECRET}]).run()
    [found] = lifecycle.start().client.find_experiments(id=result.experiment_id)
    assert found.attributes["status"] == "failed"
    assert HIDDEN in str(found.attributes)
    assert SECRET not in str(found.attributes)


def test_what_else_another_instrumentation_says_stays(apps: TracerProvider, collector: Collector) -> None:
    with pytest.raises(RuntimeError):
        of_another_instrumentation(apps)
    evalspan.flush()
    [span] = collector.spans
    found = attributes_of(span)
    assert (found["llm.model_name"], found["llm.token_count.prompt"]) == ("gpt-4o", 7)
    assert found["input.value"] == json.dumps({"messages": [HIDDEN]})
    assert (found["output.value"], found["retrieval.documents"]) == (f"It is {HIDDEN}.", [HIDDEN, "none"])
    message, error = span.events
    assert attributes_of(message) == {"content": HIDDEN}
    assert attributes_of(error)[attributes.EXCEPTION_MESSAGE] == f"no {HIDDEN}"
    assert (span.status.message, span.status.code) == (f"RuntimeError: no {HIDDEN}", 2)


def test_a_redaction_that_lets_nothing_be_leaves_cases_without_content(
    apps: TracerProvider, collector: Collector
) -> None:
    evalspan.init(redact=lambda value: None)
    result = evalspan.experiment(
        name="silent",
        task=lambda input_data: input_data,
        dataset=[{"input": SECRET}],
        evaluators=[label, broken],
    ).run()
    case = next(span for span in collector.spans if span.name == "silent")
    assert attributes.RECORD_ID in attributes_of(case)
    assert not {attributes.INPUT, attributes.OUTPUT} & set(attributes_of(case))
    scores = {attributes_of(log)[attributes.EVALUATION_NAME]: attributes_of(log) for log in collector.logs}
    assert attributes.EVALUATION_SCORE_LABEL not in scores["label"]
    assert scores["broken"][attributes.EVALUATION_ERROR] == "ValueError"
    assert result.rows[0].output == SECRET
