"""`evalspan serve` as a process of its own, on the same ports after every start."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from support.process import Process, free_port


class ServiceProcess(Process):
    """The service over one store; `variables` are those that it is configured with."""

    def __init__(self, folder: Path, store: str, variables: Mapping[str, str] | None = None) -> None:
        self.http_port, self.grpc_port = free_port(), free_port()
        self.endpoint = f"http://127.0.0.1:{self.http_port}"
        whole = {
            "EVALSPAN_STORE": store,
            "EVALSPAN_HTTP_PORT": str(self.http_port),
            "EVALSPAN_GRPC_PORT": str(self.grpc_port),
            **(variables or {}),
        }
        super().__init__([sys.executable, "-m", "evalspan", "serve"], folder, whole)

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.endpoint}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def sql(self, statement: str, **parameters: str) -> list[dict[str, Any]]:
        """The rows of a query."""
        key = self.variables.get("EVALSPAN_API_KEYS", "").split(",")[0]
        answer = httpx.post(
            f"{self.endpoint}/sql",
            content=statement,
            params={f"param_{name}": value for name, value in parameters.items()},
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=120,
        )
        answer.raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]
