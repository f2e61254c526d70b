"""The one table of settings: name, type, default and help feed the environment, the command line
and `docs/settings.md`.

A setting `http_port` is `EVALSPAN_HTTP_PORT` in the environment and `--http-port` on `evalspan
serve`. What OpenTelemetry already has a variable for (`OTEL_EXPORTER_OTLP_*`, `OTEL_SERVICE_NAME`,
`OTEL_RESOURCE_ATTRIBUTES`, ...) is not repeated here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evalspan.errors import UsageError

PREFIX = "EVALSPAN_"
MIB = 1024 * 1024


class Settings(BaseModel):
    """All settings. Sizes are bytes, durations are seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Both sides.
    endpoint: str = Field(
        default="http://127.0.0.1:4318", description="Base URL of the service, for the SDK and the CLI."
    )
    api_key: str = Field(default="", repr=False, description="API key that the SDK and the CLI send.")
    project: str = Field(default="default-project", description="Project of experiments that name none.")

    # The SDK.
    max_queue_bytes: int = Field(
        default=64 * MIB, gt=0, description="Undelivered telemetry kept in memory; more waits."
    )
    max_batch_bytes: int = Field(
        default=2 * MIB, gt=0, description="Aimed size of one export request, uncompressed."
    )
    delivery_timeout: float = Field(
        default=120.0,
        gt=0,
        description="How long an undeliverable batch is retried before it counts as failed.",
    )
    control_timeout: float = Field(
        default=10.0, ge=0, description="How long a control call is repeated while the service is away."
    )
    exit_timeout: float = Field(
        default=10.0, ge=0, description="How long the end of the process waits for undelivered telemetry."
    )
    app_wait: float = Field(
        default=0.05,
        ge=0,
        description="How long a span outside any experiment waits for room before it is dropped.",
    )
    capture: bool = Field(default=True, description="Record the LLM calls that httpx clients make.")
    capture_content: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Record prompts and answers; auto: in experiments, or as OpenTelemetry's variable says.",
    )
    capture_stream_usage: bool = Field(
        default=False, description="Ask OpenAI-compatible streams for their token counts."
    )

    # The service.
    store: str = Field(
        default="chdb://.evalspan",
        repr=False,
        description="chdb://PATH, or http(s)://user:password@host:8123/database.",
    )
    store_reader: str = Field(
        default="",
        repr=False,
        description="The same database as a user who may only read; runs the SQL that users send.",
    )
    store_max_memory: int = Field(
        default=0,
        ge=0,
        description="Memory that the embedded engine may use; 0 is nine tenths of the machine's.",
    )
    cluster: str = Field(
        default="", description="Cluster of ClickHouse servers over which the tables are spread."
    )
    host: str = Field(default="127.0.0.1", description="Address that the service listens on.")
    http_port: int = Field(
        default=4318, ge=0, le=65535, description="OTLP/HTTP and the HTTP APIs; 0 picks a free port."
    )
    grpc_port: int = Field(
        default=4317, ge=-1, le=65535, description="OTLP/gRPC; 0 picks a free port, -1 turns it off."
    )
    api_keys: str = Field(
        default="",
        repr=False,
        description="Comma-separated API keys; set, every path but health asks for one.",
    )
    keys_file: str = Field(
        default="", description="File of hashed API keys, which `evalspan keys` writes; set, a key is needed."
    )
    allow_open: bool = Field(default=False, description="Permit listening beyond loopback without API keys.")
    max_body_bytes: int = Field(
        default=64 * MIB, gt=0, description="Largest request body, after decompression."
    )
    max_pending_bytes: int = Field(
        default=256 * MIB,
        gt=0,
        description="Bodies of requests until they are committed; beyond it the answer is 503.",
    )
    commit_linger: float = Field(
        default=0.005, ge=0, description="How long a commit waits for company when the store is idle."
    )
    retention_days: int = Field(
        default=0, ge=0, le=36500, description="Days that experiments and traces are kept; 0 keeps them."
    )
    retention_projects: str = Field(
        default="", description="Other days for experiments of some projects: NAME=DAYS, comma-separated."
    )
    retention_interval: float = Field(
        default=3600.0, ge=0, description="How often the service deletes what expired; 0 never does."
    )
    price_file: str = Field(default="", description="JSON file of prices that win over the built-in ones.")
    query_timeout: float = Field(default=60.0, gt=0, description="Longest run of one SQL query.")
    query_max_memory: int = Field(default=4096 * MIB, gt=0, description="Memory that one SQL query may use.")
    query_max_result_rows: int = Field(
        default=10_000_000, ge=0, description="Rows that one SQL query may return; more is refused, 0 is any."
    )
    query_max_result_bytes: int = Field(
        default=4096 * MIB, ge=0, description="Bytes, uncompressed, that one SQL query may return; 0 is any."
    )
    query_concurrency: int = Field(
        default=16, gt=0, description="Reading requests that run at once; more are answered with 429."
    )
    query_concurrency_per_key: int = Field(
        default=8, gt=0, description="Reading requests of one API key that run at once."
    )
    code_evaluators: bool = Field(
        default=False, description="Let evaluators of type code run, each in a confined process (Linux)."
    )
    code_evaluator_seconds: float = Field(
        default=5.0, gt=0, description="Processor time that one evaluator's code may take."
    )
    code_evaluator_memory: int = Field(
        default=256 * MIB, gt=0, description="Memory that one evaluator's code may use."
    )
    jobs: bool = Field(default=True, description="Run the experiments that were created to run here.")
    job_concurrency: int = Field(
        default=32, gt=0, description="Items of such experiments that the service works on at once."
    )
    job_lease: float = Field(
        default=30.0, ge=1, description="How long an experiment stays with a service that fell silent."
    )
    providers_file: str = Field(
        default="", description="TOML file of the LLM endpoints that experiments and judges may ask."
    )
    respan_preview: int = Field(
        default=2000, ge=0, description="Characters of a text that Respan's list of logs shows; 0 is all."
    )
    rate_limit: float = Field(
        default=0, ge=0, description="Requests a second of one API key; more are answered with 429, 0 is any."
    )
    tls_cert_file: str = Field(
        default="", description="Certificate chain (PEM) of the service, for HTTP and gRPC."
    )
    tls_key_file: str = Field(default="", description="Private key (PEM) of the certificate.")
    tls_client_ca_file: str = Field(
        default="", description="Authorities (PEM); set, clients must show a certificate of one of them."
    )


def environment_name(field: str) -> str:
    """`http_port` -> `EVALSPAN_HTTP_PORT`."""
    return PREFIX + field.upper()


def load(overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from defaults, then the environment, then `overrides` (None values are not given).

    Raises:
        UsageError: a value does not fit; the message names the variable and the value.
    """
    source = os.environ if environ is None else environ
    values: dict[str, Any] = {
        name: source[environment_name(name)]
        for name in Settings.model_fields
        if source.get(environment_name(name), "") != ""
    }
    values.update({key: value for key, value in (overrides or {}).items() if value is not None})
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise UsageError(f"{environment_name(name)}={first['input']!r}: {first['msg']}.") from None
