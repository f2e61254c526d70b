// Package gate keeps an OTLP receiver shut until every pipeline of the Collector has started.
//
// The receiver opens its port when the first of its signals starts, and the exporters of the others may
// come later. What arrives in between is written to a persistent queue that has not read its state yet:
// it is acknowledged and then lost, and can take what waited along. Behind this gate it is answered with
// "try again".
package gate

import (
	"context"
	"net/http"
	"sync/atomic"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const message = "the Collector is starting or stopping; send it again in a second"

var (
	_ extensionmiddleware.HTTPServer        = (*gate)(nil)
	_ extensionmiddleware.GRPCServer        = (*gate)(nil)
	_ extensioncapabilities.PipelineWatcher = (*gate)(nil)
)

type gate struct {
	component.StartFunc
	component.ShutdownFunc
	open atomic.Bool
}

// NewFactory makes the extension "gate", which has no settings.
func NewFactory() extension.Factory {
	return extension.NewFactory(
		component.MustNewType("gate"),
		func() component.Config { return &struct{}{} },
		func(context.Context, extension.Settings, component.Config) (extension.Extension, error) {
			return &gate{}, nil
		},
		component.StabilityLevelStable,
	)
}

// Ready is called when every component has started.
func (g *gate) Ready() error {
	g.open.Store(true)
	return nil
}

// NotReady is called before the first component stops.
func (g *gate) NotReady() error {
	g.open.Store(false)
	return nil
}

// GetHTTPHandler answers 503 while the gate is shut.
func (g *gate) GetHTTPHandler(context.Context) (extensionmiddleware.WrapHTTPHandlerFunc, error) {
	return func(_ context.Context, next http.Handler) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if g.open.Load() {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Retry-After", "1")
			http.Error(w, message, http.StatusServiceUnavailable)
		}), nil
	}, nil
}

// GetGRPCServerOptions answers UNAVAILABLE while the gate is shut.
func (g *gate) GetGRPCServerOptions(context.Context) ([]grpc.ServerOption, error) {
	refuse := func(
		ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler,
	) (any, error) {
		if g.open.Load() {
			return next(ctx, request)
		}
		return nil, status.Error(codes.Unavailable, message)
	}
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(refuse)}, nil
}
