"""`evalspan serve`"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click

from evalspan import memory, settings
from evalspan.cli.options import settings_options

if TYPE_CHECKING:
    from evalspan.api.server import Service


@click.command()
@settings_options(
    "store", "store_reader", "store_max_memory", "cluster", "host", "http_port", "grpc_port", "api_keys",
    "keys_file", "allow_open", "max_body_bytes", "max_pending_bytes", "commit_linger", "query_timeout",
    "query_max_memory", "query_max_result_rows", "query_max_result_bytes", "query_concurrency",
    "query_concurrency_per_key", "rate_limit", "tls_cert_file", "tls_key_file", "tls_client_ca_file",
    "retention_days", "retention_projects", "retention_interval",
)  # fmt: skip
def serve(**given: str | bool | None) -> None:
    """Run the service: OTLP in, SQL and the Experiments API out."""
    from evalspan.api.server import Service  # the server extra may be absent

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    service = Service(settings.load(given), export_metrics=True)
    service.on_ready = lambda: click.echo(_greeting(service), err=True)
    service.run()


def _greeting(service: Service) -> str:
    lines = [f"evalspan answers at {service.endpoint} (OTLP/HTTP, Experiments API, SQL)"]
    if service.grpc_endpoint:
        lines.append(f"OTLP/gRPC at {service.grpc_endpoint}")
    lines.append(f"By its settings it takes at most {memory.cap(service.settings)}")
    return "\n".join(lines)
