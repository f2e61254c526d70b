"""OTLP over gRPC: the three Export services.

Messages are decoded by us and not by the gRPC library, so that one broken item does not cost its
neighbours here either. A message over the limit is refused by the library itself, with
RESOURCE_EXHAUSTED and without RetryInfo, which tells clients not to send it again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

import grpc
import grpc.aio
from google.rpc.status_pb2 import Status  # pyright: ignore[reportMissingTypeStubs] (no py.typed)

from evalspan import tls
from evalspan.access import Keys, Role
from evalspan.ingest import statuses
from evalspan.ingest.instruments import SECONDS
from evalspan.ingest.service import Ingest
from evalspan.ingest.signals import PARTS, Signal
from evalspan.settings import Settings

_GRACE: Final = 5.0  # seconds that running calls have to end in
_DETAILS_KEY: Final = "grpc-status-details-bin"
# OpenTelemetry's conventions for RPC servers; their constants are of an unstable module.
RPC_SERVER_CALL_DURATION: Final = "rpc.server.call.duration"
RPC_SYSTEM_NAME: Final = "rpc.system.name"
RPC_METHOD: Final = "rpc.method"
RPC_RESPONSE_STATUS_CODE: Final = "rpc.response.status_code"
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}

Context = grpc.aio.ServicerContext[bytes, bytes]


class GrpcServer:
    """The gRPC port. Does not own the ingest."""

    def __init__(self, ingest: Ingest, settings: Settings, keys: Keys) -> None:
        self._ingest = ingest
        self._settings = settings
        self._keys = keys
        self._server: grpc.aio.Server | None = None
        self._durations = ingest.meter.create_histogram(
            RPC_SERVER_CALL_DURATION,
            "s",
            "Time of one OTLP/gRPC call. Calls over the size limit are refused before they are seen here.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )

    async def start(self) -> int:
        """Listen, and return the bound port.

        Raises:
            RuntimeError: the port is taken.
        """
        limit = self._settings.max_body_bytes
        self._server = server = grpc.aio.server(
            options=[("grpc.max_receive_message_length", limit), ("grpc.so_reuseport", 0)]
        )
        server.add_generic_rpc_handlers(tuple(self._handler(signal) for signal in Signal))
        port = self._listen(server)
        await server.start()
        return port

    def _listen(self, server: grpc.aio.Server) -> int:
        host = self._settings.host
        address = f"{f'[{host}]' if ':' in host else host}:{self._settings.grpc_port}"
        found = tls.of(self._settings)
        if found is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, _credentials(found))

    async def stop(self) -> None:
        """Refuse new calls and let running ones end."""
        if self._server is not None:
            await self._server.stop(_GRACE)
            self._server = None

    def _handler(self, signal: Signal) -> grpc.GenericRpcHandler:
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            self._export(signal)  # pyright: ignore[reportArgumentType] (the stub knows no async handlers)
        )
        return grpc.method_handlers_generic_handler(PARTS[signal].service, {"Export": method})

    def _export(self, signal: Signal) -> Callable[[bytes, Context], Awaitable[bytes]]:
        labels = {RPC_SYSTEM_NAME: "grpc", RPC_METHOD: f"{PARTS[signal].service}/Export"}

        async def export(body: bytes, context: Context) -> bytes:
            began = time.perf_counter()
            code = "OK"
            try:
                grant = self._keys.grant(_headers(context))
                grant.require({Role.INGEST})
                receipt = await self._ingest.export(signal, body, project=grant.project)
                return statuses.response(signal, receipt).SerializeToString()
            except asyncio.CancelledError:
                code = "CANCELLED"
                raise
            except Exception as error:
                failed = statuses.answer(error).status
                code = _CODES[failed.code].name
                await _abort(context, failed)
            finally:
                seconds = time.perf_counter() - began
                self._durations.record(seconds, {**labels, RPC_RESPONSE_STATUS_CODE: code})

        return export


def _credentials(certificates: tls.Certificates) -> grpc.ServerCredentials:
    """The library asks at every new connection what is to be shown."""

    def configuration() -> grpc.ServerCertificateConfiguration:
        chain, key, authorities = certificates.current().contents
        return grpc.ssl_server_certificate_configuration([(key, chain)], authorities)

    asks_clients = bool(certificates.files.client_ca)
    return grpc.dynamic_ssl_server_credentials(configuration(), configuration, asks_clients)


async def _abort(context: Context, failed: Status) -> NoReturn:
    await context.abort(
        _CODES[failed.code],
        failed.message,
        trailing_metadata=((_DETAILS_KEY, failed.SerializeToString()),),
    )


def _headers(context: Context) -> dict[str, str]:
    metadata = context.invocation_metadata() or ()
    return {key: value for key, value in metadata if isinstance(value, str)}
