"""Which certificates our own calls trust and show: those that OpenTelemetry's variables name.

`OTEL_EXPORTER_OTLP_CERTIFICATE`, `..._CLIENT_CERTIFICATE` and `..._CLIENT_KEY` are read by the
exporters; here the calls beside them do as they say. Without them, `SSL_CERT_FILE` or the usual
authorities hold.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping

from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_CERTIFICATE,
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE,
    OTEL_EXPORTER_OTLP_CLIENT_KEY,
)

from evalspan.errors import UsageError


def verify(environ: Mapping[str, str] | None = None) -> ssl.SSLContext | bool:
    """For `httpx`.

    Raises:
        UsageError: a file that is named cannot be used.
    """
    source = os.environ if environ is None else environ
    authorities, certificate, key = (
        source.get(name, "")
        for name in (
            OTEL_EXPORTER_OTLP_CERTIFICATE,
            OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE,
            OTEL_EXPORTER_OTLP_CLIENT_KEY,
        )
    )
    if not authorities and not certificate:
        return True
    try:
        context = ssl.create_default_context(cafile=authorities or source.get("SSL_CERT_FILE") or None)
        if certificate:
            context.load_cert_chain(certificate, key or None)
    except (OSError, ssl.SSLError) as error:
        named = f"{OTEL_EXPORTER_OTLP_CERTIFICATE}={authorities!r}, client certificate {certificate!r}"
        raise UsageError(f"The certificates of {named} cannot be used: {error}.") from None
    return context
