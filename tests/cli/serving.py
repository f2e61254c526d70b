"""A service over a store that a module of tests fills once, and the command that asks it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from evalspan.store import Store
from support.command import environment


@contextmanager
def serving(folder: Path, fill: Callable[[Store], None]) -> Generator[str, None, None]:
    """`evalspan serve` over `folder`/.evalspan; its base URL."""
    with Store(f"chdb://{folder / '.evalspan'}") as store:
        fill(store)
    process = subprocess.Popen(
        [sys.executable, "-m", "evalspan", "serve", "--http-port", "0", "--grpc-port", "-1"],
        cwd=folder,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        greeting = process.stderr.readline()
        found = re.search(r"http://[\d.]+:\d+", greeting)
        assert found is not None, greeting
        yield found[0]
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
