"""What the capture could not read: counted by reason, and logged once each.

Once, because a reason that occurs at all mostly occurs on every call.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter

_log = logging.getLogger("evalspan.capture")
# Reentrant: the garbage collector may end a forgotten call while its thread is counting.
_lock = threading.RLock()
_counts: Counter[str] = Counter()


def note(reason: str, detail: object) -> None:
    """Count a trouble; the first of its reason goes to the log, with its detail."""
    with _lock:
        _counts[reason] += 1
        first = _counts[reason] == 1
    if first:
        _log.warning("%s: %s. The call itself is not affected; later cases are only counted.", reason, detail)


def troubles() -> dict[str, int]:
    """How often each reason occurred since the process started."""
    with _lock:
        return dict(_counts)
