"""What a port speaks, asked of the port itself: error messages of clients tell too little.

The HTTP/2 preface is the question. A gRPC server answers it with a SETTINGS frame, an HTTP/1 server
with a status line, a TLS server with an alert.
"""

from __future__ import annotations

import socket
import ssl
from typing import Final, Literal

Speech = Literal["http", "grpc", "tls", "nothing", "other"]

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS: Final = 4  # the type of a frame, its fourth byte
_ALERT: Final = 0x15
_TIMEOUT: Final = 3.0
NAMES: Final[dict[Speech, str]] = {
    "http": "plain HTTP",
    "grpc": "gRPC (HTTP/2)",
    "tls": "TLS",
    "other": "something that is neither HTTP nor gRPC",
}


def spoken(host: str, port: int) -> Speech:
    """What is spoken at a port; 'nothing' where no connection can be made."""
    try:
        with socket.create_connection((host, port), _TIMEOUT) as connection:
            connection.sendall(_PREFACE)
            answer = _received(connection)
    except OSError:
        return "nothing"
    if answer.startswith(b"HTTP/1"):
        return "http"
    if len(answer) > 3 and answer[0] != _ALERT and answer[3] == _SETTINGS:
        return "grpc"
    return "tls" if answer[:1] == bytes((_ALERT,)) or _shakes_hands(host, port) else "other"


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(64)
    except OSError:
        return b""


def _shakes_hands(host: str, port: int) -> bool:
    """Whether a TLS handshake gets anywhere, whoever's certificate it is."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), _TIMEOUT) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return True
    except OSError:
        return False
