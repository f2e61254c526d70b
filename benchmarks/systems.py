"""What takes spans in `ingest.py`: evalspan, and what it is compared with. Each starts processes of its
own, takes export requests, and counts what it has stored by asking its database."""

from __future__ import annotations

import sqlite3
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import load
import psutil

from evalspan.store import Store
from support.clickhouse_server import ClickHouseServer
from support.process import Process, free_port
from support.service import ServiceProcess

ROOT: Final = Path(__file__).parents[1]
CACHE: Final = ROOT / ".cache"
MLFLOW: Final = "mlflow==3.17.2"


class Evalspan:
    """`evalspan serve`, over the embedded engine or over a ClickHouse server."""

    def __init__(self, folder: Path, server: ClickHouseServer | None = None) -> None:
        self.store = server.address("bench") if server else f"chdb://{folder / 'store'}"
        self._server = server
        self._service = ServiceProcess(folder / "service", self.store)

    def start(self) -> None:
        self._service.start()

    @property
    def pids(self) -> list[int]:
        """Every process of the data plane."""
        return [self._service.pid] + ([self._server.pid] if self._server else [])

    def http(self, *, compressed: bool = False) -> Callable[[], load.Send]:
        return load.over_http(f"{self._service.endpoint}/v1/traces", compressed=compressed)

    def grpc(self) -> Callable[[], load.Send]:
        return load.over_grpc(f"127.0.0.1:{self._service.grpc_port}")

    def count(self) -> int:
        return int(self._service.sql("SELECT count() AS n FROM spans")[0]["n"])

    def killed(self) -> int:
        """Kill the service; the spans that the store has then."""
        self._service.kill()
        with Store(self.store) as store:
            return int(store.query("SELECT count() AS n FROM spans")[0]["n"])

    def stop(self) -> None:
        self._service.stop()


class Exporter(Process):
    """The OpenTelemetry Collector with its clickhouseexporter. It answers before it has stored."""

    _BINARY = CACHE / "clickhouse-collector" / "clickhouse-collector"

    def __init__(self, folder: Path, server: ClickHouseServer) -> None:
        self._server = server
        self._http, self._health = free_port(), free_port()
        ports = {"HTTP": self._http, "HEALTH": self._health, "CLICKHOUSE": server.native_port}
        config = ROOT / "benchmarks" / "collector" / "config.yaml"
        super().__init__(
            [str(self._BINARY), "--config", str(config)],
            folder / "exporter",
            {f"{name}_PORT": str(port) for name, port in ports.items()},
        )

    @classmethod
    def build(cls) -> None:
        """Build it where it is not built; needs Go."""
        if cls._BINARY.exists():
            return
        subprocess.run(["make", "collector"], cwd=ROOT, check=True)
        builder = ROOT / "collector" / "bin" / "builder"
        subprocess.run(
            [str(builder), "--config", "builder.yaml"], cwd=ROOT / "benchmarks/collector", check=True
        )

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self._health}/").status_code == 200
        except httpx.TransportError:
            return False

    @property
    def pids(self) -> list[int]:
        return [self.pid, self._server.pid]

    def http(self) -> Callable[[], load.Send]:
        return load.over_http(f"http://127.0.0.1:{self._http}/v1/traces")

    def count(self) -> int:
        return int(self._server.run("SELECT count() FROM otel.otel_traces"))

    def killed(self) -> int:
        """Kill the Collector; the spans that ClickHouse has then."""
        self.kill()
        return self.count()


class Mlflow(Process):
    """MLflow's tracking server over SQLite with its default workers, the fastest peer that was found."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._database = folder / "mlflow.db"
        super().__init__(
            [
                str(CACHE / "mlflow" / "bin" / "mlflow"), "server", "--port", str(self._port),
                "--backend-store-uri", f"sqlite:///{self._database}",
                "--artifacts-destination", str(folder / "artifacts"),
            ],
            folder / "mlflow",
            {"MLFLOW_DISABLE_TELEMETRY": "true"},
        )  # fmt: skip

    @classmethod
    def build(cls) -> None:
        """Install it into an environment of its own where it is not."""
        if (CACHE / "mlflow" / "bin" / "mlflow").exists():
            return
        venv.create(CACHE / "mlflow", with_pip=True)
        subprocess.run([str(CACHE / "mlflow/bin/pip"), "install", "--quiet", MLFLOW], check=True)

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self._port}/health").status_code == 200
        except httpx.TransportError:
            return False

    @property
    def pids(self) -> list[int]:
        return [self.pid]

    def http(self) -> Callable[[], load.Send]:
        headers = {"x-mlflow-experiment-id": "0"}
        return load.over_http(f"http://127.0.0.1:{self._port}/v1/traces", headers=headers)

    def killed(self) -> int:
        """Kill it with all that it started; the spans that the file has then."""
        self.kill()
        return self.count()

    def kill(self) -> None:
        for child in psutil.Process(self.pid).children(recursive=True):
            child.kill()
        super().kill()

    def count(self) -> int:
        with sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=30) as connection:
            return int(connection.execute("SELECT count(*) FROM spans").fetchone()[0])
