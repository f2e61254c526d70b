"""The operations on projects, datasets and experiments, whatever face they are called through."""

from __future__ import annotations

from evalspan.experiments.changes import Changed, RecordUpdate, StoredRecord
from evalspan.experiments.datasets import Dataset, Datasets
from evalspan.experiments.entity import Page
from evalspan.experiments.experiments import Experiment, Experiments, NewExperiment
from evalspan.experiments.projects import Project, Projects
from evalspan.experiments.records import Records
from evalspan.store import Store


class Catalog:
    """All of them over one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.projects = Projects(store)
        self.datasets = Datasets(store, self.projects)
        self.records = Records(store, self.datasets)
        self.experiments = Experiments(store, self.projects, self.datasets)


__all__ = [
    "Catalog",
    "Changed",
    "Dataset",
    "Datasets",
    "Experiment",
    "Experiments",
    "NewExperiment",
    "Page",
    "Project",
    "Projects",
    "RecordUpdate",
    "Records",
    "StoredRecord",
]
