"""What our own face for Opik's clients makes of their spans; OTLP that carries `opik.*` ids speaks its
own dialect."""

from __future__ import annotations

from evalspan import attributes as names
from evalspan.ingest.dialect import Dialect

DIALECT = Dialect(
    name="opik",
    rank=60,
    scopes=("opik",),
    fields={"session_id": (names.SESSION_ID,)},
)
