"""evalspan: OpenTelemetry-native tracing and evaluation of LLM applications.

The names load on first use: the service and the command line import this package too, and need
neither exporters nor tracing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalspan.errors import DeliveryError, EvalspanError, ServiceError, TaskError, UsageError
    from evalspan.model import EvaluatorResult, Record
    from evalspan.sdk.dataset import Dataset
    from evalspan.sdk.evals import eval, eval_dataset
    from evalspan.sdk.evaluation import Evaluation
    from evalspan.sdk.experiment import Experiment, experiment
    from evalspan.sdk.hosted import hosted
    from evalspan.sdk.lifecycle import flush, init, shutdown
    from evalspan.sdk.registry import evaluators, prompts
    from evalspan.sdk.resources import experiments
    from evalspan.sdk.result import ExperimentResult, Row
    from evalspan.sdk.search import search
    from evalspan.sdk.step import span
    from evalspan.sdk.testcases import TestCase, TestInput
    from evalspan.sdk.tracing import trace

_HOMES = {
    "Dataset": "sdk.dataset",
    "DeliveryError": "errors",
    "EvalspanError": "errors",
    "Evaluation": "sdk.evaluation",
    "EvaluatorResult": "model",
    "Experiment": "sdk.experiment",
    "ExperimentResult": "sdk.result",
    "Record": "model",
    "Row": "sdk.result",
    "ServiceError": "errors",
    "TaskError": "errors",
    "TestCase": "sdk.testcases",
    "TestInput": "sdk.testcases",
    "UsageError": "errors",
    "eval": "sdk.evals",
    "eval_dataset": "sdk.evals",
    "evaluators": "sdk.registry",
    "experiment": "sdk.experiment",
    "flush": "sdk.lifecycle",
    "hosted": "sdk.hosted",
    "init": "sdk.lifecycle",
    "prompts": "sdk.registry",
    "search": "sdk.search",
    "shutdown": "sdk.lifecycle",
    "span": "sdk.step",
    "trace": "sdk.tracing",
}

__all__ = [
    "Dataset",
    "DeliveryError",
    "EvalspanError",
    "Evaluation",
    "EvaluatorResult",
    "Experiment",
    "ExperimentResult",
    "Record",
    "Row",
    "ServiceError",
    "TaskError",
    "TestCase",
    "TestInput",
    "UsageError",
    "eval",
    "eval_dataset",
    "evaluators",
    "experiment",
    "experiments",
    "flush",
    "hosted",
    "init",
    "prompts",
    "search",
    "shutdown",
    "span",
    "trace",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'evalspan' has no attribute {name!r}")
    value = getattr(import_module(f"evalspan.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Face(ModuleType):
    """This module, with `experiments` as a property: the service has a package of that name, and importing
    it would bind the package here, in place of the resource."""

    @property
    def experiments(self) -> Any:
        return import_module("evalspan.sdk.resources").experiments

    @experiments.setter
    def experiments(self, package: ModuleType) -> None:
        """The package is found by its imports."""


sys.modules[__name__].__class__ = _Face
