"""The vendor's real client `respan-api`, each version in an environment of its own.

It is a package beside `respan-ai`, which installs the same top-level module: never both in one.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from support import virtualenv

CURRENT, OLDER = "respan-api==0.1.47", "respan-api==0.1.10"
"""The last one that has experiments, and one of the tutorial's days."""


def interpreter(requirement: str) -> Path:
    """The Python that has this client.

    Raises:
        subprocess.CalledProcessError: pip could not make it.
    """
    return virtualenv.interpreter("respan/" + requirement.replace("==", "-"), requirement)


def run_script(python: Path, endpoint: str, script: Path, folder: Path) -> Any:
    """Run a script as a user would who set only the address; the JSON on its last line."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RESPAN_", "PYTHON"))}
    done = subprocess.run(
        [str(python), str(script)],
        cwd=folder,
        env={**clean, "BASE_URL": f"{endpoint}/respan"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return json.loads(done.stdout.strip().rpartition("\n")[2])
