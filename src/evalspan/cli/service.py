"""The service that a command asks: a running one, else one for the length of the command."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

from evalspan.cli.connection import existing_store, running_service, with_store
from evalspan.sdk.client import Client
from evalspan.settings import Settings, environment_name

_PLAIN = {"tls_cert_file": "", "tls_key_file": "", "tls_client_ca_file": ""}


@contextmanager
def service(store: str | None) -> Generator[Client, None, None]:
    """EVALSPAN_ENDPOINT, else the service that has the store open, else one over the store.

    Raises:
        NotFoundError: there is neither a service nor a store.
    """
    settings = with_store(store)
    named = "" if store else os.environ.get(environment_name("endpoint"), "")
    endpoint = named or running_service(settings)
    if endpoint:
        yield _client(settings, endpoint)
        return
    existing_store(settings)
    from evalspan.api.server import Service  # the server extra may be absent

    own = {"host": "127.0.0.1", "http_port": 0, "grpc_port": -1, "api_keys": "", "keys_file": ""} | _PLAIN
    with Service(settings.model_copy(update=own)) as running:
        yield _client(settings, running.endpoint)


def _client(settings: Settings, endpoint: str) -> Client:
    return Client(endpoint, settings.api_key, patience=settings.control_timeout)
