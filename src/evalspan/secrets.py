"""Keeps keys and tokens out of what is recorded: by the names of fields and of URL parameters.

Values are not searched for what looks like a key. A secret under a name that does not say so is for
the app's own redaction.
"""

from __future__ import annotations

import re
from typing import cast

from evalspan.model import Json

MASK = "[masked]"

_NAMES = re.compile(
    r"^(x[-_])?(goog[-_])?(.*[-_])?(api[-_]?key|authorization|password|passwd|secret|client[-_]secret"
    r"|(access|refresh|auth|bearer|id|session)[-_]?token|credentials?)$",
    re.IGNORECASE,
)
_PARAMETERS = re.compile(
    r"(?<=[?&])((?:api[-_]?key|key|access[-_]token|token|sig|signature|code)=)[^&#\s]+", re.IGNORECASE
)
_HINT = re.compile(r"key|authorization|passw|secret|token|credential", re.IGNORECASE)


def may_hold_secrets(text: str) -> bool:
    """Whether it is worth looking for secrets in a JSON text: a quick no for most."""
    return _HINT.search(text) is not None


def masked(value: Json) -> Json:
    """The value with the fields masked whose names say that they hold a secret."""
    if isinstance(value, dict):
        fields = cast("dict[Json, Json]", value)
        return {name: MASK if is_secret(name) else masked(item) for name, item in fields.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in cast("list[Json]", value)]
    return value


def is_secret(name: object) -> bool:
    """Whether a field of this name holds a secret."""
    return isinstance(name, str) and _NAMES.match(name) is not None


def masked_url(url: str) -> str:
    """The URL without the keys in its query: Gemini's, for one, may stand there."""
    return _PARAMETERS.sub(rf"\g<1>{MASK}", url)
