"""Which LLM endpoints the service may ask, and which of them serves a model.

Without a file there are two: `openai` and `anthropic`, at their own hosts or where `OPENAI_BASE_URL` and
`ANTHROPIC_BASE_URL` say. A file (`EVALSPAN_PROVIDERS_FILE`, TOML) changes these and adds others. Keys stay in
the environment: a file names the variable that holds one, and is read again by nobody.
"""

from __future__ import annotations

import fnmatch
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from evalspan.errors import UsageError

DEFAULT: Final = "openai"


class Provider(BaseModel):
    """One endpoint and how hard it may be pressed. The limits hold for each service."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    api: Literal["openai", "anthropic"] = "openai"
    """Which of the two wires it speaks."""
    base_url: str = Field(pattern=r"^https?://")
    key_env: str = ""
    """The environment variable that holds the key; '' where none is needed."""
    models: list[str] = []
    """Patterns (`gpt-*`) of the models that it serves."""
    max_concurrency: int = Field(default=16, ge=1)
    requests_per_minute: float = Field(default=0, ge=0)
    """0 is any."""
    timeout: float = Field(default=120.0, gt=0)
    """Seconds without a byte of the answer."""
    max_attempts: int = Field(default=6, ge=1)
    """How often a call is tried that is refused for the moment, or breaks off."""
    max_tokens: int = Field(default=4096, ge=1)
    """What a call may answer that states no limit, where there is a budget or the wire wants a limit."""

    @property
    def key(self) -> str:
        """Raises UsageError where it is not in the environment, or cannot be sent."""
        found = os.environ.get(self.key_env, "").strip() if self.key_env else ""
        if self.key_env and not found:
            raise UsageError(
                f"Provider {self.name!r} needs its key in {self.key_env}, which the service's environment "
                "does not have."
            )
        if not (found.isascii() and found.isprintable()):
            raise UsageError(
                f"The key of provider {self.name!r} in {self.key_env} holds characters that no header can."
            )
        return found

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        address = urlsplit(value)
        if not address.hostname or address.port == 0:  # a port out of range raises ValueError itself
            raise ValueError("it names no host, or no port that can be")
        return value


class Providers:
    """The endpoints of one service."""

    def __init__(self, path: str = "", environ: Mapping[str, str] | None = None) -> None:
        """Raises UsageError where the file cannot be used."""
        known = _built_in(os.environ if environ is None else environ)
        stated = _read(path) if path else {}
        self._providers = {
            name: _provider(path, name, {**known.get(name, {}), **stated.get(name, {})})
            for name in (*stated, *(name for name in known if name not in stated))
        }

    def of(self, model: str) -> tuple[Provider, str]:
        """Who serves a model, and what the model is called there: `PROVIDER/MODEL` names both, else the
        first one whose patterns fit, else `openai`.

        Raises:
            UsageError: there is no `openai` either.
        """
        name, slash, rest = model.partition("/")
        if slash and rest and name in self._providers:
            return self._providers[name], rest
        for provider in self._providers.values():
            if any(fnmatch.fnmatchcase(model, pattern) for pattern in provider.models):
                return provider, model
        return self._providers[DEFAULT], model

    def names(self) -> list[str]:
        return list(self._providers)


def _built_in(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    return {
        "openai": {
            "base_url": environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1",
            "key_env": "OPENAI_API_KEY",
        },
        "anthropic": {
            "api": "anthropic",
            "base_url": environ.get("ANTHROPIC_BASE_URL") or "https://api.anthropic.com",
            "key_env": "ANTHROPIC_API_KEY",
            "models": ["claude-*"],
        },
    }


def _read(path: str) -> dict[str, dict[str, Any]]:
    try:
        found = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"EVALSPAN_PROVIDERS_FILE={path!r} cannot be read: {error}.") from None
    for name, table in found.items():
        if not isinstance(table, dict):
            raise UsageError(f"EVALSPAN_PROVIDERS_FILE={path!r}: {name!r} must be a table, [{name}].")
        if "/" in name:
            raise UsageError(f"EVALSPAN_PROVIDERS_FILE={path!r}: the name {name!r} must not hold a '/'.")
    return found


def _provider(path: str, name: str, values: dict[str, Any]) -> Provider:
    """Raises UsageError, without a text that may be a key or hold a password."""
    try:
        return Provider.model_validate({**values, "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        given = first.get("input")
        secret = isinstance(given, str) and (first["type"] == "extra_forbidden" or "@" in given)
        shown = "" if secret else f"={given!r}"
        raise UsageError(
            f"EVALSPAN_PROVIDERS_FILE={path!r}, provider {name!r}: {field}{shown}: {first['msg']}."
        ) from None
