"""The service's own retention: what expired is deleted now and then, by every replica alike."""

from __future__ import annotations

import logging
import threading

from evalspan.settings import Settings
from evalspan.store import Store
from evalspan.store.retention import Policy, sweep

logger = logging.getLogger("evalspan.retention")


class Sweeper:
    """A thread; what fails is logged and tried again at the next turn."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Raises UsageError where the rules cannot be read."""
        self._store = store
        self._policy = Policy.parse(settings.retention_days, settings.retention_projects)
        self._interval = settings.retention_interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="evalspan-retention", daemon=True)

    def start(self) -> None:
        if self._interval:
            self._thread.start()

    def stop(self) -> None:
        """Returns when no statement of it runs any more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                for each in sweep(self._store, self._policy):
                    logger.info("Experiment %s expired after %d days", each.experiment_id, each.days)
            except Exception:
                logger.exception("What expired could not be deleted")
