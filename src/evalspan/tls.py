"""The certificate of the service, for HTTP and gRPC."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from evalspan.errors import UsageError
from evalspan.settings import Settings


@dataclass(frozen=True)
class Tls:
    """Paths of PEM files that were found to fit. `client_ca` '' asks clients for no certificate."""

    certificate: str
    key: str
    client_ca: str = ""

    def contents(self) -> tuple[bytes, bytes, bytes | None]:
        """(certificate chain, key, authorities of clients)."""
        authorities = Path(self.client_ca).read_bytes() if self.client_ca else None
        return Path(self.certificate).read_bytes(), Path(self.key).read_bytes(), authorities


def of(settings: Settings) -> Tls | None:
    """What the settings ask for; None is plain HTTP.

    Raises:
        UsageError: a file is missing, or they do not fit.
    """
    found = Tls(settings.tls_cert_file, settings.tls_key_file, settings.tls_client_ca_file)
    if not (found.certificate or found.key or found.client_ca):
        return None
    if not (found.certificate and found.key):
        raise UsageError("TLS needs both EVALSPAN_TLS_CERT_FILE and EVALSPAN_TLS_KEY_FILE.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # An encrypted key would be asked for on the terminal, which a service does not have.
        context.load_cert_chain(found.certificate, found.key, password=lambda: "")
        if found.client_ca:
            context.load_verify_locations(found.client_ca)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise UsageError(
            f"EVALSPAN_TLS_CERT_FILE={found.certificate!r}, EVALSPAN_TLS_KEY_FILE={found.key!r} and "
            f"EVALSPAN_TLS_CLIENT_CA_FILE={found.client_ca!r} cannot be used: {error}."
        ) from None
    return found
