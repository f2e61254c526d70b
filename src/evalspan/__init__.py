"""evalspan: OpenTelemetry-native tracing and evaluation of LLM applications."""
