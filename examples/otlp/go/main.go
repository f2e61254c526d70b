// An experiment with nothing but the OpenTelemetry SDK: spans over OTLP/gRPC, scores as span events.
//
// Where it sends, and under which name, is for the standard variables: OTEL_EXPORTER_OTLP_ENDPOINT,
// OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"sync/atomic"
	"unicode/utf8"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type record struct {
	id, question, expected string
	difficulty             int
	tag                    string
	answers                []string // in the first and the second run; nil: there is none
	inputTokens            int
	outputTokens           int
}

var records = []record{
	{"france", "What is the capital of France?", "Paris", 1, "europe", []string{"Paris", "Paris"}, 14, 2},
	{"japan", "日本の首都はどこですか？", "東京", 2, "asia", []string{"東京", "東京"}, 17, 3},
	{"peru", "¿Cuál es la capital del Perú? 🦙", "Lima", 2, "america", []string{"Cusco", "Lima"}, 19, 4},
	{"atlantis", "What is the capital of Atlantis?", "Poseidonis", 3, "myth", nil, 15, 5},
}

var tracer trace.Tracer

func main() {
	ctx := context.Background()
	// Exports that fail, and spans that were refused, are told to the error handler only.
	var failures atomic.Int64
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		failures.Add(1)
		log.Print(err)
	}))
	exporter, err := otlptracegrpc.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	// The queue holds 2,048 spans; with WithBlocking a full one makes the program wait, not drop spans.
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter, sdk.WithBlocking()))
	tracer = provider.Tracer("capitals")

	experimentID := rand.Text()
	for iteration := 1; iteration <= 2; iteration++ {
		for _, rec := range records {
			runCase(ctx, experimentID, iteration, rec)
		}
	}
	if err := provider.Shutdown(ctx); err != nil {
		otel.Handle(err)
	}
	fmt.Println(experimentID)
	if failures.Load() > 0 {
		log.Fatal("not everything was delivered")
	}
}

// runCase is one execution of one record: a trace of its own, whose root is the case.
func runCase(ctx context.Context, experimentID string, iteration int, rec record) {
	ctx, span := tracer.Start(ctx, "capitals", trace.WithAttributes(
		attribute.String("evalspan.project.name", "any-language"),
		attribute.String("evalspan.experiment.id", experimentID),
		attribute.String("evalspan.experiment.name", "capitals"),
		attribute.Int("evalspan.run_iteration", iteration),
		attribute.String("evalspan.record.id", rec.id),
		attribute.String("evalspan.dataset.name", "capitals-of-the-world"),
		attribute.String("evalspan.input", toJSON(rec.question)),
		attribute.String("evalspan.expected_output", toJSON(rec.expected)),
		attribute.Int("evalspan.metadata.difficulty", rec.difficulty),
		attribute.String("evalspan.experiment.metadata.model", "gpt-4o-mini"),
		attribute.StringSlice("evalspan.tags", []string{rec.tag}),
	))
	defer span.End()
	output, err := task(ctx, rec, iteration)
	if err != nil {
		// A failed case is a result too: it has an error, no output and no scores.
		span.SetAttributes(attribute.String("error.type", "UnknownCountry"))
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
		return
	}
	span.SetAttributes(attribute.String("evalspan.output", toJSON(output)))
	evaluate(span, output, rec.expected) // events go on a span before it ends
}

// task stands for your application. What it traces is found below the case.
func task(ctx context.Context, rec record, iteration int) (string, error) {
	ctx, agent := tracer.Start(ctx, "invoke_agent geographer", trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "invoke_agent"),
		attribute.String("gen_ai.agent.name", "geographer"),
	))
	defer agent.End()
	askModel(ctx, rec)
	_, tool := tracer.Start(ctx, "execute_tool atlas", trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "execute_tool"),
		attribute.String("gen_ai.tool.name", "atlas"),
	))
	defer tool.End()
	if rec.answers == nil {
		return "", fmt.Errorf("no capital is known of %s", rec.id)
	}
	return rec.answers[iteration-1], nil
}

// askModel stands for a call of an LLM; from model and tokens evalspan knows what it cost.
func askModel(ctx context.Context, rec record) {
	_, span := tracer.Start(ctx, "chat gpt-4o-mini", trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	span.SetAttributes(
		attribute.String("gen_ai.operation.name", "chat"),
		attribute.String("gen_ai.provider.name", "openai"),
		attribute.String("gen_ai.request.model", "gpt-4o-mini"),
		attribute.Float64("gen_ai.request.temperature", 0.2),
		attribute.String("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
		attribute.StringSlice("gen_ai.response.finish_reasons", []string{"stop"}),
		attribute.Int("gen_ai.usage.input_tokens", rec.inputTokens),
		attribute.Int("gen_ai.usage.output_tokens", rec.outputTokens),
	)
}

// evaluate runs three evaluators: a boolean, a number, and a label with its reason.
func evaluate(span trace.Span, output, expected string) {
	exact := 0.0
	if output == expected {
		exact = 1
	}
	score(span,
		attribute.String("gen_ai.evaluation.name", "exact_match"),
		attribute.Float64("gen_ai.evaluation.score.value", exact),
		attribute.String("evalspan.evaluation.type", "boolean"),
	)
	letters := utf8.RuneCountInString(output)
	score(span,
		attribute.String("gen_ai.evaluation.name", "length"),
		attribute.Float64("gen_ai.evaluation.score.value", float64(letters)),
	)
	script := "latin"
	if len(output) > letters {
		script = "other"
	}
	score(span,
		attribute.String("gen_ai.evaluation.name", "script"),
		attribute.String("gen_ai.evaluation.score.label", script),
		attribute.String("gen_ai.evaluation.explanation", fmt.Sprintf("judged by the letters of “%s”", output)),
	)
}

func score(span trace.Span, attributes ...attribute.KeyValue) {
	span.AddEvent("gen_ai.evaluation.result", trace.WithAttributes(attributes...))
}

func toJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	return string(text)
}
