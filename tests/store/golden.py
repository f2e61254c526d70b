"""What a cluster's schema looks like, without columns and without what stands in views.

python tests/store/golden.py > tests/store/cluster.sql
"""

from __future__ import annotations

import re

from evalspan.store.schema import SCHEMA


def outline() -> str:
    """Every statement up to its body; tables with their engine, key and settings."""
    statements = SCHEMA.on("production", "evalspan").statements()
    return "\n\n".join(_outlined(statement) for statement in statements if _lasting(statement)) + "\n"


def _lasting(statement: str) -> bool:
    return not statement.startswith("INSERT")  # the stamp, which every change of the schema changes


def _outlined(statement: str) -> str:
    plain = re.sub(r"^--.*\n", "", statement.strip(), flags=re.MULTILINE)
    if "CREATE OR REPLACE VIEW" in plain:
        return plain.partition("\n")[0] + " ..."
    return re.sub(r"\n\(\n.*?\n\)\n", " (...)\n", plain, count=1, flags=re.DOTALL)


if __name__ == "__main__":
    print(outline(), end="")
