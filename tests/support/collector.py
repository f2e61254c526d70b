"""The real OpenTelemetry Collector of `collector/`, built on first use, with the shipped configuration."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import httpx

from support.absent import absent
from support.markdown import ROOT
from support.process import Process, free_port

CONFIG = ROOT / "otel-config.yaml"
_BUILT = ROOT / "collector" / "build" / "evalspan-collector"


@cache
def binary() -> Path:
    """The Collector as `make collector` builds it, once among all test processes."""
    if shutil.which("go") is None and not _BUILT.exists():
        absent("The Collector is not built, and Go, which builds it, is not installed.")
    with open(ROOT / "collector" / "builder.yaml", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            ["make", "collector"], cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
        )
    if done.returncode:
        raise RuntimeError(f"make collector failed: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    return _BUILT


class Collector(Process):
    """One Collector with a queue of its own below `folder`, on free ports of loopback."""

    def __init__(self, folder: Path, endpoint: str, variables: Mapping[str, str] | None = None) -> None:
        ports = {f"OTELCOL_{name}_PORT": str(free_port()) for name in ("GRPC", "HTTP", "HEALTH", "METRICS")}
        whole = {**ports, "EVALSPAN_ENDPOINT": endpoint, "OTELCOL_STORAGE": str(folder / "queue")}
        super().__init__([str(binary()), "--config", str(CONFIG)], folder, {**whole, **(variables or {})})
        self.http = f"http://127.0.0.1:{ports['OTELCOL_HTTP_PORT']}"
        self.grpc = f"http://127.0.0.1:{ports['OTELCOL_GRPC_PORT']}"
        self._health = f"http://127.0.0.1:{ports['OTELCOL_HEALTH_PORT']}/"
        self._metrics = f"http://127.0.0.1:{ports['OTELCOL_METRICS_PORT']}/metrics"

    def answers(self) -> bool:
        try:
            return httpx.get(self._health).status_code == 200
        except httpx.TransportError:
            return False

    def metric(self, name: str) -> float:
        """One of its own metrics, summed over its labels; 0 before it first counts."""
        text = httpx.get(self._metrics).text
        values: list[str] = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, flags=re.MULTILINE)
        return sum(map(float, values))

    def queued(self) -> float:
        """Bytes that it has acknowledged and not yet handed on."""
        return self.metric("otelcol_exporter_queue_size")
