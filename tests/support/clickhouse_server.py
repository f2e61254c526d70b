"""A real ClickHouse server on loopback, for tests: the embedded engine's own, told to listen.

The engine's wheel holds clickhouse-local whole, and `SYSTEM START LISTEN HTTP` makes it a server.
It is reached through a private module of the wheel, so a newer wheel may end this; the message of
`start` then says so.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

_CONFIG = """<clickhouse>
    <logger><level>none</level></logger>
    <http_port>{port}</http_port>
    <tcp_port>{native_port}</tcp_port>
    <listen_host>127.0.0.1</listen_host>
    <users_config>users.xml</users_config>
    {more}
</clickhouse>
"""
# The engine takes users from this file only, not from CREATE USER.
_USERS = """<clickhouse>
    <profiles><default/></profiles>
    <quotas><default/></quotas>
    <users>
        <default>
            <password></password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
        </default>
        {more}
    </users>
</clickhouse>
"""
_USER = """<{name}>
    <password>{password}</password>
    <networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile>
    <quota>default</quota>
    <grants>{grants}</grants>
</{name}>
"""
# The import changes the working directory, in which the engine looks for config.xml.
_CHILD = """
import os, sys
folder = sys.argv[1]
os.chdir(folder)
from chdb import _chdb
os.chdir(folder)
_chdb.query(
    "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT sum(sleepEachRow(1)) FROM numbers(3600) "
    "SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0",
    "TabSeparated",
    path=os.path.join(folder, "data"),
)
"""


class ClickHouseServer:
    """One server over one folder; it can be stopped, killed and started again on the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.native_port = _free_port()
        self._users = ""
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "users.xml").write_text(_USERS.format(more=""), encoding="utf-8")
        self.configure("")

    def configure(self, more: str) -> None:
        """Add XML to the configuration of the next start."""
        config = _CONFIG.format(port=self.port, native_port=self.native_port, more=more)
        (self.folder / "config.xml").write_text(config, encoding="utf-8")

    def permit(self, name: str, password: str, grants: Sequence[str]) -> None:
        """Add a user who has these grants (GRANT ... ON ...) and no others, from the next start on."""
        queries = "".join(f"<query>{grant}</query>" for grant in grants)
        self._users += _USER.format(name=name, password=password, grants=queries)
        (self.folder / "users.xml").write_text(_USERS.format(more=self._users), encoding="utf-8")

    @property
    def pid(self) -> int:
        """Its process; it has been started."""
        assert self._process is not None
        return self._process.pid

    def address(self, database: str, user: str = "") -> str:
        """The store address of a database on this server; `user` is NAME:PASSWORD."""
        return f"http://{user}{'@' if user else ''}127.0.0.1:{self.port}/{database}"

    def start(self, timeout: float = 30.0) -> None:
        """Start the server and wait until it answers."""
        with open(self.folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _CHILD, str(self.folder)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + timeout
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                said = (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(
                    f"No ClickHouse server out of the chdb wheel; has its private module changed? {said}"
                )
            time.sleep(0.05)

    def drop(self, database: str) -> None:
        """Remove a database, whatever wrote it."""
        self.run(f"DROP DATABASE IF EXISTS `{database}` SYNC")

    def run(self, statement: str, database: str = "default") -> str:
        """Run one statement as an administrator; the answer as text."""
        url = f"http://127.0.0.1:{self.port}/?database={database}"
        try:
            with urllib.request.urlopen(url, data=statement.encode(), timeout=30) as answer:
                return str(answer.read(), "utf-8")
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{error.read().decode()} in: {statement}") from error

    def stop(self) -> None:
        """End it as an operator would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Leave its connections open and answer nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(number)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait(10)
        self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ping", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
