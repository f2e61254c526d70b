"""How much of what is generated a test tries: EVALSPAN_TEST_EFFORT times as much as in CI.

`make thorough` runs the tests that ask for it with a large effort.
"""

from __future__ import annotations

import os
from typing import Final

EFFORT: Final = int(os.environ.get("EVALSPAN_TEST_EFFORT", "1"))


def examples(usual: int) -> int:
    """How many examples to try where CI tries so many."""
    return usual * EFFORT
