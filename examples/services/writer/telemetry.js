// Loaded before the service: traces its HTTP requests, as any instrumented Node service has it.

const { defaultResource, detectResources, envDetector } = require('@opentelemetry/resources');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { BatchSpanProcessor, NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');

const provider = new NodeTracerProvider({
  resource: defaultResource().merge(detectResources({ detectors: [envDetector] })),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register(); // reads the caller's traceparent, too
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });

process.on('SIGTERM', () => provider.shutdown().finally(() => process.exit()));
