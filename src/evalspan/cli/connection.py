"""Where a command finds the data: a running service, or the store itself."""

from __future__ import annotations

from pathlib import Path

from evalspan.errors import NotFoundError
from evalspan.settings import Settings
from evalspan.settings import load as load_settings


def running_service(settings: Settings) -> str:
    """Base URL of the service that has the configured embedded store open, or ''."""
    from evalspan.store import holder  # the server extra may be absent

    folder = store_folder(settings)
    found = holder(folder) if folder else None
    return found.endpoint if found else ""


def store_folder(settings: Settings) -> Path | None:
    """The folder of an embedded store, or None where the store is a server."""
    from evalspan.store.dsn import parse

    return parse(settings.store).path


def existing_store(settings: Settings) -> None:
    """Raises NotFoundError where an embedded store is not there: a query should not create one."""
    folder = store_folder(settings)
    if folder is not None and not folder.is_dir():
        raise NotFoundError(
            f"There is no store in {folder}. `evalspan demo` makes one to look at; "
            "`evalspan run SCRIPT` and `evalspan serve` make one to keep."
        )


def with_store(store: str | None) -> Settings:
    return load_settings({"store": store})
