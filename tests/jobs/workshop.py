"""A store, its ingest and the jobs over them, with a provider to ask; and short ways to set them to work."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evalspan.experiments import Catalog
from evalspan.experiments.evaluators import Evaluators
from evalspan.experiments.prompt_versions import PromptContent
from evalspan.experiments.prompts import Prompts
from evalspan.jobs import Item, Jobs, NewJob, Progress
from evalspan.model import Json, Record
from support.llm_wire import LLMWire

PATIENCE = 120.0
_numbers = itertools.count(1)


@dataclass
class Workshop:
    """`run` sets a job to work and waits until it is over."""

    catalog: Catalog
    jobs: Jobs
    llm: LLMWire
    project_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.project_id = self.catalog.projects.get_or_create("workshop").project_id

    def dataset(self, records: Sequence[Record]) -> str:
        name = f"dataset {next(_numbers)}"
        made = self.catalog.datasets.get_or_create(self.project_id, name)
        self.catalog.records.change(made.dataset_id, insert=records, deduplicate=False)
        return made.dataset_id

    def questions(self, count: int) -> str:
        """A dataset whose inputs are {"q": "word0 word1 ..."}: the expected output is the input's text."""
        texts = [f"question {number}" for number in range(count)]
        return self.dataset([Record(input={"q": text}, expected_output=text) for text in texts])

    def prompt(self, content: str = "{{ q }}", model: str = "gpt-4o-mini", **more: Any) -> str:
        prompts = Prompts(self.catalog.store)
        made = prompts.create(self.project_id, f"prompt {next(_numbers)}")
        given = {"messages": [{"role": "user", "content": content}], "model": model, **more}
        prompts.add_version(made.prompt_id, PromptContent.model_validate(given), deploy=True)
        return made.prompt_id

    def evaluator(self, fields: dict[str, Json] | None = None) -> str:
        """The slug of one; by default it asks whether the output is the expected one."""
        rule = {"type": "rule", "score_value_type": "boolean", "rule_config": {"rule": "exact"}}
        name = f"evaluator{next(_numbers)}"
        return Evaluators(self.catalog.store).create(self.project_id, {"name": name, **(fields or rule)}).slug

    def new(self, **fields: Any) -> NewJob:
        return NewJob.model_validate(
            {"project_id": self.project_id, "name": f"job {next(_numbers)}", **fields}
        )

    def run(self, **fields: Any) -> Progress:
        return self.over(self.jobs.submit(self.catalog, self.new(**fields)).experiment_id)

    def progress(self, experiment_id: str) -> Progress:
        return self.jobs.progress(self.catalog, [experiment_id])[experiment_id]

    def over(self, experiment_id: str, *statuses: str) -> Progress:
        """Wait until the job has one of these statuses, or its end."""
        wanted = statuses or ("completed", "failed", "paused", "cancelled")
        deadline = time.monotonic() + PATIENCE
        while (found := self.progress(experiment_id)).status not in wanted:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        return found

    def items(self, experiment_id: str) -> list[Item]:
        return self.jobs.items(self.catalog, experiment_id)

    def rows(self, statement: str, experiment_id: str) -> list[dict[str, Any]]:
        return self.catalog.store.query(statement, {"id": experiment_id})
