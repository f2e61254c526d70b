"""docker-compose.yml as Compose's own loader reads it, schema and all; that needs no engine, but Go."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from support.absent import absent
from support.command import environment
from support.markdown import ROOT

_MODULE = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"
_CACHE = ROOT / ".cache" / "compose-go-2.16.2"


@cache
def _loader() -> Path:
    _CACHE.mkdir(parents=True, exist_ok=True)
    with open(_CACHE / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (_CACHE / "cmd").exists():
            if shutil.which("go") is None:
                absent("Compose's loader is not built, and Go, which builds it, is not installed.")
            subprocess.run(["go", "install", _MODULE], env=environment(GOBIN=str(_CACHE)), check=True)
    return _CACHE / "cmd"


def load(file: Path) -> dict[str, Any]:
    """The file in canonical form, its variables still in it.

    Raises:
        ValueError: it does not fit the Compose schema.
    """
    done = subprocess.run(
        [str(_loader()), "--no-interpolation", "--no-path-resolution", "--format", "json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ValueError(done.stderr)
    return json.loads(done.stdout)


def variables(model: Mapping[str, Any], service: str, values: Mapping[str, str]) -> dict[str, str]:
    """The environment of a service, with the values that .env would give.

    Raises:
        KeyError: a variable that is asked for has no value.
    """
    given = cast("dict[str, Any]", model["services"][service]["environment"])
    return {
        name: re.sub(r"\$\{(\w+)(:\?[^}]*)?\}", lambda found: values[found[1]], str(value))
        for name, value in given.items()
    }
