import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;

/**
 * An experiment with nothing but the OpenTelemetry SDK: OTLP/gRPC, scores as log events.
 *
 * <p>Where it sends, and under which name, is for the standard variables: OTEL_EXPORTER_OTLP_ENDPOINT,
 * OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME.
 */
public final class Experiment {
  /** {@code answers}: in the first and the second run; null: there is none. */
  record Question(
      String id, String text, String expected, int difficulty, String tag, List<String> answers,
      int inputTokens, int outputTokens) {}

  static final List<Question> RECORDS =
      List.of(
          new Question("france", "What is the capital of France?", "Paris", 1, "europe", List.of("Paris", "Paris"), 14, 2),
          new Question("japan", "日本の首都はどこですか？", "東京", 2, "asia", List.of("東京", "東京"), 17, 3),
          new Question("peru", "¿Cuál es la capital del Perú? 🦙", "Lima", 2, "america", List.of("Cusco", "Lima"), 19, 4),
          new Question("atlantis", "What is the capital of Atlantis?", "Poseidonis", 3, "myth", null, 15, 5));

  static final class UnknownCountry extends Exception {
    UnknownCountry(String message) {
      super(message);
    }
  }

  private final Tracer tracer;
  private final Logger logger;
  private final String experimentId = UUID.randomUUID().toString();

  private Experiment(OpenTelemetry telemetry) {
    tracer = telemetry.getTracer("capitals");
    logger = telemetry.getLogsBridge().get("capitals");
  }

  public static void main(String[] arguments) {
    EXPORTER_LOG.addHandler(FAILURES);
    OpenTelemetrySdk sdk =
        AutoConfiguredOpenTelemetrySdk.builder()
            .addPropertiesSupplier(() -> Map.of("otel.metrics.exporter", "none"))
            .disableShutdownHook() // main closes it
            .build()
            .getOpenTelemetrySdk();
    Experiment experiment = new Experiment(sdk);
    for (int iteration = 1; iteration <= 2; iteration++) {
      for (Question question : RECORDS) {
        experiment.runCase(iteration, question);
        // The queues hold 2,048 items and drop what comes on top.
        sdk.getSdkTracerProvider().forceFlush().join(30, TimeUnit.SECONDS);
        sdk.getSdkLoggerProvider().forceFlush().join(30, TimeUnit.SECONDS);
      }
    }
    sdk.close();
    System.out.println(experiment.experimentId);
    if (FAILURES.count.get() > 0) {
      System.err.println("not everything was delivered");
      System.exit(1);
    }
  }

  /** A flush succeeds also where the export failed; only the exporter's log tells. */
  static final class Failures extends Handler {
    final AtomicInteger count = new AtomicInteger();

    @Override
    public void publish(LogRecord entry) {
      if (entry.getLevel().intValue() >= Level.WARNING.intValue()) {
        count.incrementAndGet();
      }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  static final java.util.logging.Logger EXPORTER_LOG =
      java.util.logging.Logger.getLogger("io.opentelemetry.exporter");
  static final Failures FAILURES = new Failures();

  /** One execution of one record: a trace of its own, whose root is the case. */
  private void runCase(int iteration, Question question) {
    Attributes ids =
        Attributes.builder()
            .put("evalspan.experiment.id", experimentId)
            .put("evalspan.run_iteration", iteration)
            .put("evalspan.record.id", question.id())
            .build();
    Span span =
        tracer
            .spanBuilder("capitals")
            .setAllAttributes(ids)
            .setAttribute("evalspan.project.name", "any-language")
            .setAttribute("evalspan.experiment.name", "capitals")
            .setAttribute("evalspan.dataset.name", "capitals-of-the-world")
            .setAttribute("evalspan.input", json(question.text()))
            .setAttribute("evalspan.expected_output", json(question.expected()))
            .setAttribute("evalspan.metadata.difficulty", question.difficulty())
            .setAttribute("evalspan.experiment.metadata.model", "gpt-4o-mini")
            .setAttribute(AttributeKey.stringArrayKey("evalspan.tags"), List.of(question.tag()))
            .startSpan();
    String output;
    try (Scope scope = span.makeCurrent()) {
      output = task(iteration, question);
      span.setAttribute("evalspan.output", json(output));
    } catch (UnknownCountry error) {
      // A failed case is a result too: it has an error, no output and no scores.
      span.setAttribute("error.type", "UnknownCountry");
      span.recordException(error);
      span.setStatus(StatusCode.ERROR, error.getMessage());
      return;
    } finally {
      span.end(); // before the evaluators, so that the case takes as long as the task
    }
    evaluate(span, output, question.expected(), ids);
  }

  /** Stands for your application. What it traces is found below the case. */
  private String task(int iteration, Question question) throws UnknownCountry {
    Span agent =
        tracer
            .spanBuilder("invoke_agent geographer")
            .setAttribute("gen_ai.operation.name", "invoke_agent")
            .setAttribute("gen_ai.agent.name", "geographer")
            .startSpan();
    try (Scope scope = agent.makeCurrent()) {
      askModel(question);
      tracer
          .spanBuilder("execute_tool atlas")
          .setAttribute("gen_ai.operation.name", "execute_tool")
          .setAttribute("gen_ai.tool.name", "atlas")
          .startSpan()
          .end();
      if (question.answers() == null) {
        throw new UnknownCountry("no capital is known of " + question.id());
      }
      return question.answers().get(iteration - 1);
    } finally {
      agent.end();
    }
  }

  /** Stands for a call of an LLM; from model and tokens evalspan knows what it cost. */
  private void askModel(Question question) {
    tracer
        .spanBuilder("chat gpt-4o-mini")
        .setSpanKind(SpanKind.CLIENT)
        .setAttribute("gen_ai.operation.name", "chat")
        .setAttribute("gen_ai.provider.name", "openai")
        .setAttribute("gen_ai.request.model", "gpt-4o-mini")
        .setAttribute("gen_ai.request.temperature", 0.2)
        .setAttribute("gen_ai.response.model", "gpt-4o-mini-2024-07-18")
        .setAttribute(AttributeKey.stringArrayKey("gen_ai.response.finish_reasons"), List.of("stop"))
        .setAttribute("gen_ai.usage.input_tokens", question.inputTokens())
        .setAttribute("gen_ai.usage.output_tokens", question.outputTokens())
        .startSpan()
        .end();
  }

  /** Three evaluators: a boolean, a number, and a label with its reason. */
  private void evaluate(Span judged, String output, String expected, Attributes ids) {
    score(judged, ids.toBuilder()
        .put("gen_ai.evaluation.name", "exact_match")
        .put("gen_ai.evaluation.score.value", output.equals(expected) ? 1.0 : 0.0)
        .put("evalspan.evaluation.type", "boolean"));
    score(judged, ids.toBuilder()
        .put("gen_ai.evaluation.name", "length")
        .put("gen_ai.evaluation.score.value", (double) output.codePointCount(0, output.length())));
    score(judged, ids.toBuilder()
        .put("gen_ai.evaluation.name", "script")
        .put("gen_ai.evaluation.score.label", output.chars().allMatch(c -> c < 128) ? "latin" : "other")
        .put("gen_ai.evaluation.explanation", "judged by the letters of “" + output + "”"));
  }

  /** The context says which span is judged, also after it has ended. */
  private void score(Span judged, AttributesBuilder attributes) {
    logger
        .logRecordBuilder()
        .setEventName("gen_ai.evaluation.result")
        .setContext(Context.root().with(judged))
        .setAllAttributes(attributes.build())
        .emit();
  }

  private static String json(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }
}
