"""What a user does beside experiments: tracked functions, traces by hand, scores, searches, and OTel spans
inside a tracked function."""

import contextlib
import json
import os

import opik
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opik.integrations.otel import OpikSpanProcessor

base = os.environ["OPIK_URL_OVERRIDE"]
client = opik.Opik(project_name="app")
exporter = OTLPSpanExporter(f"{base}/v1/private/otel/v1/traces", headers={"projectName": "app"})
provider = TracerProvider()
provider.add_span_processor(OpikSpanProcessor())
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("library")


@opik.track(name="ask", project_name="app", tags=["tracked"], metadata={"team": "blue"})
def ask(question):
    with tracer.start_as_current_span("call") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.request.model", "gpt-4o-mini")
        span.set_attribute("gen_ai.provider.name", "openai")
        span.set_attribute("gen_ai.usage.input_tokens", 7)
        span.set_attribute("gen_ai.usage.output_tokens", 2)
    opik.opik_context.update_current_trace(thread_id="thread 1")
    tracked.append(opik.opik_context.get_current_trace_data().id)
    return {"answer": question.upper()}


@opik.track(name="fails", project_name="app")
def fails():
    raise KeyError("nothing here")


tracked = []
ask("why?")
with contextlib.suppress(KeyError):
    fails()
with tracer.start_as_current_span("alone"):
    pass

byhand = client.trace(name="by hand", input={"a": 1}, tags=["one"], metadata={"n": 1})
span = byhand.span(name="step", type="tool", input={"b": 2})
span.end(output={"c": 3})
byhand.update(metadata={"n": 2})
byhand.end(output={"d": 4})
span.log_feedback_score("useful", 0.25)
byhand.log_feedback_score("polite", 1.0, category_name="yes", reason="it said please")
client.flush()
provider.force_flush()
client.log_traces_feedback_scores([{"id": byhand.id, "name": "gone", "value": 1.0}])
client.flush()
client.delete_trace_feedback_score(byhand.id, "gone")

found = client.search_traces(project_name="app", wait_for_at_least=3, wait_for_timeout=20)
tagged = client.search_traces(project_name="app", filter_string='tags contains "one"')
scored = client.search_traces(project_name="app", filter_string="feedback_scores.polite > 0.5")
spans = client.search_spans(project_name="app", trace_id=byhand.id)
content = client.get_trace_content(byhand.id)
client.end()
seen = {
    "byhand": byhand.id,
    "tracked": tracked[0],
    "span": span.id,
    "names": [each.name for each in found],
    "tagged": [each.name for each in tagged],
    "scored": [each.name for each in scored],
    "spans": [[each.name, each.type, each.output, each.parent_span_id] for each in spans],
    "content": [content.input, content.output, content.metadata, content.tags],
    "scores": [[each.name, each.value, each.category_name, each.reason] for each in content.feedback_scores],
}
print(json.dumps(seen))
