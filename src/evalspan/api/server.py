"""The running service: HTTP and gRPC over one store, in the foreground or beside other work."""

from __future__ import annotations

import gc
import ipaddress
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette

from evalspan import tls
from evalspan.access import Keys
from evalspan.api.app import create_app
from evalspan.errors import ServiceError, UsageError
from evalspan.settings import Settings
from evalspan.store import Store, damage

logger = logging.getLogger("evalspan")

START_TIMEOUT = 60.0
DRAIN_TIMEOUT = 30


class Service:
    """A service in a thread of its own: `with Service(settings) as service: ... service.endpoint`."""

    def __init__(self, settings: Settings, *, export_metrics: bool = False) -> None:
        """`export_metrics`: send the service's own metrics where OpenTelemetry's variables say.

        Raises UsageError where the settings would open an unprotected service to the network."""
        refuse_open_door(settings)
        self._tls = tls.of(settings)
        self.settings = settings
        self._export_metrics = export_metrics
        self.endpoint = ""
        """Base URL, once started."""
        self.grpc_endpoint = ""
        """host:port of OTLP/gRPC, once started; '' where it is off."""
        self.on_ready: Callable[[], object] = lambda: None
        """Called once when the service answers."""
        self._store: Store | None = None
        self._app: Starlette | None = None
        self._server_ready = threading.Event()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Service:
        """Returns when the service answers.

        Raises:
            ServiceError: a port is taken, or the service did not come up.
            StoreError: the store cannot be opened.
        """
        self._open()
        assert self._server is not None
        self._thread = threading.Thread(target=self._server.run, name="evalspan-service", daemon=True)
        self._thread.start()
        if not self._server_ready.wait(START_TIMEOUT):
            self.stop()
            raise ServiceError(f"The service did not start within {START_TIMEOUT:.0f} s; its log says why.")
        if not self.endpoint:
            self.stop()
            raise ServiceError("The service could not start; its log says why.")
        return self

    def run(self) -> None:
        """Serve in the foreground until SIGINT or SIGTERM, then drain and close."""
        self._open()
        assert self._server is not None
        _collect_seldom()
        try:
            self._server.run()
            if not self.endpoint:
                raise ServiceError("The service could not start; its log says why.")
        finally:
            self.stop()

    def stop(self) -> None:
        """Take no more, commit what was taken, close the store. A second call does nothing."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(DRAIN_TIMEOUT)
            self._thread = None
        if self._store is not None:
            self._store.close()
            self._store = None

    def __enter__(self) -> Service:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _open(self) -> None:
        settings = self.settings
        listener = _bind(settings.host, settings.http_port)
        try:
            self._store = store = Store(
                settings.store,
                query_timeout=settings.query_timeout,
                query_max_memory=settings.query_max_memory,
                query_max_result_rows=settings.query_max_result_rows,
                query_max_result_bytes=settings.query_max_result_bytes,
                cluster=settings.cluster,
                reader=settings.store_reader,
                max_memory=settings.store_max_memory,
            )
            for lost in damage(store):
                logger.error("%s", lost)
            self._app = app = create_app(store, settings, export_metrics=self._export_metrics)
        except BaseException:
            listener.close()
            self.stop()
            raise
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=DRAIN_TIMEOUT,
            lifespan="on",
            **_ssl_options(self._tls),
        )
        self._server_ready.clear()
        self._server = _Server(config, listener, self._started, self._tls)

    def _started(self, port: int) -> None:
        """Called once: with the HTTP port when it answers, or with 0 when it will not."""
        if port:
            host = self.settings.host
            grpc_port: int = self._app.state.grpc_port if self._app else 0
            self.endpoint = (
                f"{'https' if self._tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
            )
            self.grpc_endpoint = f"{host}:{grpc_port}" if grpc_port else ""
            if self._store is not None:
                self._store.announce(self.endpoint)
            self.on_ready()
        self._server_ready.set()


class _Server(uvicorn.Server):
    """uvicorn on a socket that is already bound, telling when it answers."""

    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket,
        started: Callable[[int], None],
        certificates: tls.Certificates | None,
    ) -> None:
        super().__init__(config)
        self._certificates = certificates
        self._listener = listener
        self._tell = started
        self._told = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._certificates is not None and self.config.ssl is not None:
            self._certificates.offer(self.config.ssl)
        try:
            await super().startup([self._listener])
        finally:
            self._announce(bool(self.started))

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().run([self._listener])
        finally:
            self._announce(False)
            self._listener.close()

    def _announce(self, answers: bool) -> None:
        if self._told:
            return
        self._told = True
        self._tell(self._listener.getsockname()[1] if answers else 0)


def refuse_open_door(settings: Settings) -> None:
    """Beyond loopback a service without keys is a mistake, unless asked for by name.

    Raises:
        UsageError: that mistake.
    """
    if Keys.of(settings) or settings.allow_open or _is_loopback(settings.host):
        return
    raise UsageError(
        f"Listening on {settings.host!r} without API keys would open the store to the network. "
        "Set EVALSPAN_KEYS_FILE or EVALSPAN_API_KEYS, or say --allow-open if something else guards it."
    )


def _ssl_options(certificates: tls.Certificates | None) -> dict[str, Any]:
    if certificates is None:
        return {}
    files = certificates.files
    options: dict[str, Any] = {"ssl_certfile": files.certificate, "ssl_keyfile": files.key}
    if files.client_ca:
        options |= {"ssl_ca_certs": files.client_ca, "ssl_cert_reqs": ssl.CERT_REQUIRED}
    return options


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _collect_seldom() -> None:
    """The process is the service's own: rows are made by the ten thousand and hold no cycles, and
    looking for cycles among them took a fifth of the decoding."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ServiceError(
            f"Cannot listen on {host}:{port}: {error.strerror}. "
            "Choose another with --http-port (0 picks a free one)."
        ) from None
    listener.listen(2048)
    return listener
