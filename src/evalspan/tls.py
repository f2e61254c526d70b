"""The certificate of the service, for HTTP and gRPC, as its files stand now.

A renewed certificate is taken up by the connections that come after it, authorities of clients too. While
the files do not fit each other, as between two of them being replaced, those read before stay in use.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evalspan.errors import UsageError
from evalspan.settings import Settings

_log = logging.getLogger(__name__)

FRESH: Final = 1.0
"""A running service sees changed files within this many seconds."""


@dataclass(frozen=True)
class Tls:
    """Paths of PEM files. `client_ca` '' asks clients for no certificate."""

    certificate: str
    key: str
    client_ca: str = ""

    def stamp(self) -> tuple[tuple[int, ...], ...]:
        """What changes with the files. Raises OSError."""
        found = [Path(name).stat() for name in (self.certificate, self.key, self.client_ca) if name]
        return tuple((each.st_mtime_ns, each.st_ino, each.st_size) for each in found)

    def load(self) -> Loaded:
        """What the files hold.

        Raises:
            UsageError: one is missing, they do not fit each other, or they changed meanwhile.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            stamp = self.stamp()
            # An encrypted key would be asked for on the terminal, which a service does not have.
            context.load_cert_chain(self.certificate, self.key, password=lambda: "")
            if self.client_ca:
                context.load_verify_locations(self.client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
            authorities = Path(self.client_ca).read_bytes() if self.client_ca else None
            contents = Path(self.certificate).read_bytes(), Path(self.key).read_bytes(), authorities
            if self.stamp() != stamp:
                raise ValueError("they were replaced while they were read")
        except (OSError, ssl.SSLError, ValueError) as error:
            raise UsageError(
                f"EVALSPAN_TLS_CERT_FILE={self.certificate!r}, EVALSPAN_TLS_KEY_FILE={self.key!r} and "
                f"EVALSPAN_TLS_CLIENT_CA_FILE={self.client_ca!r} cannot be used: {error}."
            ) from None
        return Loaded(stamp, context, contents)


@dataclass(frozen=True)
class Loaded:
    """What the files held, in the forms of HTTP and of gRPC."""

    stamp: tuple[tuple[int, ...], ...]
    context: ssl.SSLContext
    contents: tuple[bytes, bytes, bytes | None]
    """(certificate chain, key, authorities of clients)."""


class Certificates:
    """Thread-safe."""

    def __init__(self, files: Tls) -> None:
        """Raises UsageError where the files cannot be used."""
        self.files = files
        self._mutex = threading.Lock()
        self._loaded = files.load()
        self._checked = time.monotonic()
        self._troubled = False

    def current(self) -> Loaded:
        """At most `FRESH` seconds old."""
        with self._mutex:
            if time.monotonic() - self._checked >= FRESH:
                self._checked = time.monotonic()
                self._refresh()
            return self._loaded

    def offer(self, context: ssl.SSLContext) -> None:
        """Have the connections of a context shown the current certificate."""

        # OpenSSL asks for the context by the name that the client wants, and asks without one as well.
        def choose(connection: Any, _name: str | None, _context: ssl.SSLContext) -> None:
            connection.context = self.current().context

        context.sni_callback = choose

    def _refresh(self) -> None:
        try:
            if self.files.stamp() != self._loaded.stamp:
                self._loaded = self.files.load()
                _log.info("The renewed certificate %s is in use", self.files.certificate)
            self._troubled = False
        except (OSError, UsageError) as error:
            if not self._troubled:
                _log.error("%s The certificate read before stays in use.", error)
            self._troubled = True


def of(settings: Settings) -> Certificates | None:
    """What the settings ask for; None is plain HTTP.

    Raises:
        UsageError: a file is missing, or they do not fit.
    """
    found = Tls(settings.tls_cert_file, settings.tls_key_file, settings.tls_client_ca_file)
    if not (found.certificate or found.key or found.client_ca):
        return None
    if not (found.certificate and found.key):
        raise UsageError("TLS needs both EVALSPAN_TLS_CERT_FILE and EVALSPAN_TLS_KEY_FILE.")
    return Certificates(found)
