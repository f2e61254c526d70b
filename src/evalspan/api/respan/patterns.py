"""Regular expressions that somebody sends, in a process of their own: one that never ends is ended.

Python's `re` cannot be stopped inside a process, and a short pattern can take years on a short text.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Final, cast

from evalspan.errors import UsageError

TIME_LIMIT: Final = 10.0  # seconds, for all texts of one list together
_PROGRAM: Final = (
    "import json, re, sys\n"
    "pattern, texts = json.load(sys.stdin)\n"
    "print(json.dumps([re.search(pattern, text) is not None for text in texts]))\n"
)


def search(pattern: str, texts: Sequence[str]) -> list[bool]:
    """In which of the texts the pattern is found.

    Raises:
        UsageError: it is no regular expression, or takes too long.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            input=json.dumps([pattern, list(texts)]),
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"The regular expression {pattern!r:.80} took longer than {TIME_LIMIT:g} s.", pointer="/filters"
        ) from None
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise UsageError(f"The regular expression {pattern!r:.80}: {reason:.200}", pointer="/filters")
    return cast("list[bool]", json.loads(done.stdout))
