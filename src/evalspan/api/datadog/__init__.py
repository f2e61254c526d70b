"""The HTTP APIs of Datadog that ddtrace uses beside the Experiments API, translated to OTLP."""
