"""API keys: whether a request may come in. One rule for every face, HTTP and gRPC."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

# How the clients that we serve send a key: ours and most OTLP exporters, then the vendors'.
_HEADERS = ("authorization", "x-api-key", "dd-api-key", "api-key", "comet-api-key")


class Keys:
    """The configured API keys; with none configured, everybody may come in."""

    def __init__(self, configured: str) -> None:
        """`configured`: keys separated by commas, as `EVALSPAN_API_KEYS` holds them."""
        self._keys = [key.strip().encode() for key in configured.split(",") if key.strip()]

    def __bool__(self) -> bool:
        return bool(self._keys)

    def allow(self, headers: Mapping[str, str]) -> bool:
        """Whether one of the headers (lower-case names) carries a known key."""
        if not self._keys:
            return True
        given = [headers[name] for name in _HEADERS if headers.get(name)]
        return any(
            self._known(value.removeprefix("Bearer ").removeprefix("bearer ").strip()) for value in given
        )

    def _known(self, key: str) -> bool:
        # Every key is compared: the time taken must not tell which one came close.
        matches = [hmac.compare_digest(key.encode(), known) for known in self._keys]
        return any(matches)
