"""One workshop per module; its provider behaves well at the start of each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evalspan.experiments import Catalog
from evalspan.ingest import Ingest
from evalspan.jobs import Jobs
from evalspan.settings import Settings
from evalspan.store import Store
from jobs.workshop import Workshop
from support.llm_wire import LLMWire

PROVIDERS = """
[narrow]
base_url = "{url}/v1"
models = ["narrow-*"]
max_concurrency = 2

[slow]
base_url = "{url}/v1"
models = ["paced-*"]
requests_per_minute = 1200

[impatient]
base_url = "{url}/v1"
timeout = 0.2
max_attempts = 2

[keyless]
base_url = "{url}/v1"
key_env = "KEY_THAT_NOBODY_SET"
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("jobs")
    with LLMWire() as llm, pytest.MonkeyPatch.context() as patch:
        for name, value in llm.variables().items():
            patch.setenv(name, value)
        (folder / "providers.toml").write_text(PROVIDERS.format(url=llm.url))
        settings = Settings(providers_file=str(folder / "providers.toml"), code_evaluators=True)
        with Store(f"chdb://{folder / 'store'}") as store:
            ingest = Ingest(store, settings)
            jobs = Jobs(store, settings, ingest)
            jobs.start()
            yield Workshop(Catalog(store), jobs, llm)
            jobs.stop()
            ingest.close()


@pytest.fixture
def workshop(running: Workshop) -> Workshop:
    running.llm.reset()
    return running
