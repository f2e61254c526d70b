// The retriever: a Go service that knows nothing of experiments. Its requests are traced by otelhttp,
// its LLM calls by hand, with the stock API. A traceparent is all that joins it to its caller's trace.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const model = "gpt-4o-mini"

var passages = map[string]string{
	"capital": "Lima is the capital of Perú. 🦙",
	"river":   "The Amazon begins in the Andes.",
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exporter, err := otlptracegrpc.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{}) // without it the caller's traceparent is not read

	http.HandleFunc("GET /passage", passage)
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: otelhttp.NewHandler(http.DefaultServeMux, "retriever")}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	log.Print(server.ListenAndServe())
	if err := provider.Shutdown(context.Background()); err != nil {
		log.Print(err)
	}
}

func passage(answer http.ResponseWriter, request *http.Request) {
	topic, err := chat(request.Context(), "Which topic is this about? "+request.FormValue("question"))
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadGateway)
		return
	}
	fmt.Fprint(answer, passages[topic])
}

// chat asks the LLM, in a span of the GenAI conventions.
func chat(ctx context.Context, prompt string) (string, error) {
	ctx, span := otel.Tracer("retriever").Start(ctx, "chat "+model, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "chat"),
		attribute.String("gen_ai.provider.name", "openai"),
		attribute.String("gen_ai.request.model", model),
	))
	defer span.End()
	reply, err := post(ctx, prompt)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		return "", err
	}
	span.SetAttributes(
		attribute.String("gen_ai.response.id", reply.ID),
		attribute.String("gen_ai.response.model", reply.Model),
		attribute.Int("gen_ai.usage.input_tokens", reply.Usage.Prompt),
		attribute.Int("gen_ai.usage.output_tokens", reply.Usage.Completion),
	)
	return reply.Choices[0].Message.Content, nil
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type completion struct {
	ID      string
	Model   string
	Choices []struct{ Message message }
	Usage   struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
	}
}

func post(ctx context.Context, prompt string) (*completion, error) {
	body, err := json.Marshal(map[string]any{"model": model, "messages": []message{{"user", prompt}}})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, "POST", os.Getenv("LLM_URL")+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+os.Getenv("LLM_API_KEY"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the LLM answered %s", response.Status)
	}
	var reply completion
	err = json.NewDecoder(response.Body).Decode(&reply)
	if err == nil && len(reply.Choices) == 0 {
		err = fmt.Errorf("the LLM answered without a choice")
	}
	return &reply, err
}
