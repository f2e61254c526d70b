"""The rows of clients that live in an environment of their own: run there, with the modules that name them.

Prints, as JSON, the lines of the table.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import sys

from capture.wires.table import rows


def main(*modules: str) -> None:
    found = [
        row for name in modules for row in rows(importlib.import_module(f"capture.wires.{name}").CLIENTS)
    ]
    print(json.dumps(found))


if __name__ == "__main__":
    faulthandler.dump_traceback_later(200, exit=True)  # says where a client hangs
    main(*sys.argv[1:])
