"""A certificate for loopback, made on the spot by `openssl`."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.absent import absent


@dataclass(frozen=True)
class Certificate:
    certificate: str
    key: str


def certificate(folder: Path, name: str) -> Certificate:
    """One that vouches for itself, valid for a day."""
    if shutil.which("openssl") is None:
        absent("there is no openssl command")
    made = Certificate(str(folder / f"{name}.pem"), str(folder / f"{name}.key"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "1", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-out", made.certificate, "-keyout", made.key],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    return made
