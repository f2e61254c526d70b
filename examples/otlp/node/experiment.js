// An experiment with nothing but the OpenTelemetry SDK: OTLP/HTTP as JSON, scores as log events.
//
// Where it sends, and under which name, is for the standard variables: OTEL_EXPORTER_OTLP_ENDPOINT,
// OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME.

import { randomUUID } from 'node:crypto';
import { DiagLogLevel, SpanKind, SpanStatusCode, diag, trace } from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const RECORDS = [
  // answers: in the first and the second run; null: there is none
  { id: 'france', question: 'What is the capital of France?', expected: 'Paris', difficulty: 1, tag: 'europe', answers: ['Paris', 'Paris'], tokens: [14, 2] },
  { id: 'japan', question: '日本の首都はどこですか？', expected: '東京', difficulty: 2, tag: 'asia', answers: ['東京', '東京'], tokens: [17, 3] },
  { id: 'peru', question: '¿Cuál es la capital del Perú? 🦙', expected: 'Lima', difficulty: 2, tag: 'america', answers: ['Cusco', 'Lima'], tokens: [19, 4] },
  { id: 'atlantis', question: 'What is the capital of Atlantis?', expected: 'Poseidonis', difficulty: 3, tag: 'myth', answers: null, tokens: [15, 5] },
];

// Of exports that fail a flush tells; of items that were refused only `diag` does.
let troubles = 0;
const tell = (...said) => { troubles += 1; console.error(...said); };
diag.setLogger({ error: tell, warn: tell, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);

// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
const resource = defaultResource().merge(detectResources({ detectors: [envDetector] }));
const spans = new NodeTracerProvider({
  resource,
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
spans.register(); // so that nested spans find their parent
const tracer = spans.getTracer('capitals');
const events = new LoggerProvider({
  resource,
  processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })],
});
const logger = events.getLogger('capitals');

async function main() {
  const experimentId = randomUUID();
  for (const iteration of [1, 2]) {
    for (const record of RECORDS) {
      await runCase(experimentId, iteration, record);
      await spans.forceFlush().catch(tell); // the queues hold 2,048 items and drop what comes on top
      await events.forceFlush().catch(tell);
    }
  }
  await spans.shutdown().catch(tell);
  await events.shutdown().catch(tell);
  console.log(experimentId);
  if (troubles) {
    console.error('not everything was delivered');
    process.exitCode = 1;
  }
}

// One execution of one record: a trace of its own, whose root is the case.
function runCase(experimentId, iteration, record) {
  const ids = {
    'evalspan.experiment.id': experimentId,
    'evalspan.run_iteration': iteration,
    'evalspan.record.id': record.id,
  };
  const attributes = {
    ...ids,
    'evalspan.project.name': 'any-language',
    'evalspan.experiment.name': 'capitals',
    'evalspan.dataset.name': 'capitals-of-the-world',
    'evalspan.input': JSON.stringify(record.question),
    'evalspan.expected_output': JSON.stringify(record.expected),
    'evalspan.metadata.difficulty': record.difficulty,
    'evalspan.experiment.metadata.model': 'gpt-4o-mini',
    'evalspan.tags': [record.tag],
  };
  return tracer.startActiveSpan('capitals', { attributes }, async (span) => {
    let output;
    try {
      output = await task(record, iteration);
      span.setAttribute('evalspan.output', JSON.stringify(output));
    } catch (error) {
      // A failed case is a result too: it has an error, no output and no scores.
      span.setAttribute('error.type', 'UnknownCountry');
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      return;
    } finally {
      span.end(); // before the evaluators, so that the case takes as long as the task
    }
    evaluate(output, record.expected, ids); // the context still says which span is judged
  });
}

// Stands for your application. What it traces is found below the case.
function task(record, iteration) {
  const agent = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'geographer' };
  return tracer.startActiveSpan('invoke_agent geographer', { attributes: agent }, async (span) => {
    try {
      await askModel(record.tokens);
      const tool = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'atlas' };
      tracer.startSpan('execute_tool atlas', { attributes: tool }).end();
      if (!record.answers) throw new Error(`no capital is known of ${record.id}`);
      return record.answers[iteration - 1];
    } finally {
      span.end();
    }
  });
}

// Stands for a call of an LLM; from model and tokens evalspan knows what it cost.
async function askModel([inputTokens, outputTokens]) {
  const span = tracer.startSpan('chat gpt-4o-mini', { kind: SpanKind.CLIENT });
  span.setAttributes({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4o-mini',
    'gen_ai.request.temperature': 0.2,
    'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
    'gen_ai.response.finish_reasons': ['stop'],
    'gen_ai.usage.input_tokens': inputTokens,
    'gen_ai.usage.output_tokens': outputTokens,
  });
  span.end();
}

// Three evaluators: a boolean, a number, and a label with its reason.
function evaluate(output, expected, ids) {
  score(ids, {
    'gen_ai.evaluation.name': 'exact_match',
    'gen_ai.evaluation.score.value': Number(output === expected),
    'evalspan.evaluation.type': 'boolean',
  });
  score(ids, { 'gen_ai.evaluation.name': 'length', 'gen_ai.evaluation.score.value': [...output].length });
  score(ids, {
    'gen_ai.evaluation.name': 'script',
    'gen_ai.evaluation.score.label': /^[ -~]*$/.test(output) ? 'latin' : 'other',
    'gen_ai.evaluation.explanation': `judged by the letters of “${output}”`,
  });
}

function score(ids, attributes) {
  logger.emit({ eventName: 'gen_ai.evaluation.result', attributes: { ...ids, ...attributes } });
}

await main();
