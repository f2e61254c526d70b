"""The store on this machine, looked at only: nothing is created, upgraded or taken from its holder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Final

from evalspan.cli.connection import store_folder
from evalspan.cli.doctor.finding import Finding, ok, problem, warning
from evalspan.errors import EvalspanError
from evalspan.settings import Settings

CHECK: Final = "local store"
_LITTLE: Final = 1024**3


def local_store(settings: Settings, *, reached: bool) -> Iterator[Finding]:
    """Its disk, its lock and its schema. `reached`: a service answered the checks before."""
    try:
        folder = store_folder(settings)
    except EvalspanError as error:
        yield problem(CHECK, str(error), "Mend EVALSPAN_STORE.")
        return
    if folder is None:
        yield from _schema(settings)
        return
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    if free < _LITTLE:
        yield problem(CHECK, f"The disk of {folder} has {free} bytes left.", "Make room.")
    else:
        yield ok(CHECK, f"The disk of {folder} has {free / 1024**3:.0f} GiB left.")
    from evalspan.store import holder

    who = holder(folder)
    if who is None:
        yield from _schema(settings)
    elif not who.endpoint:
        yield warning(
            CHECK,
            f"{who.command!r} (process {who.pid}) has {folder} open, and no service answers for it.",
            "Nothing else can open it until that process ends.",
        )
    elif not reached:
        yield warning(
            CHECK, f"The service of {folder} answers at {who.endpoint}.", "Set EVALSPAN_ENDPOINT to it."
        )


def _schema(settings: Settings) -> Iterator[Finding]:
    """Whether ClickHouse opens it, whether a newer evalspan wrote it, and whether all of it is there."""
    from evalspan.store import Store, damage, sql
    from evalspan.store.schema import SCHEMA

    try:
        with Store(settings.store, migrate=False) as store:
            found = int(store.query(sql("queries/schema_version"))[0]["version"])
            lost = list(damage(store))
    except EvalspanError as error:
        yield problem(CHECK, f"The store does not open: {error}", "Nothing was changed in it.")
        return
    for sentence in lost:
        what, _, advice = sentence.partition(". ")
        yield problem(CHECK, f"{what}.", advice)
    if found > SCHEMA.version:
        yield problem(
            CHECK,
            f"A newer evalspan wrote it: schema {found}, this one writes {SCHEMA.version}.",
            "Upgrade evalspan here.",
        )
    else:
        yield ok(CHECK, f"It opens; its schema is version {found}.")
