"""Each target under the coverage-guided fuzzer for a second; `make fuzz` is the long form."""

from __future__ import annotations

import pytest

from fuzz import engine
from fuzz.__main__ import searched
from fuzz.targets import TARGETS
from support.absent import absent

SECONDS = 1


@pytest.mark.slow
def test_no_input_that_the_fuzzer_finds_makes_a_decoder_fail() -> None:
    try:
        engine.folder()
    except engine.NoWheel as error:
        pytest.skip(f"atheris has no wheel for this Python or machine: {error}")
    except RuntimeError as error:
        absent(f"atheris could not be installed: {error}")
    outcomes = searched(sorted(TARGETS), SECONDS)
    assert [found for found in outcomes if found.findings or found.trouble or not found.executions] == []


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_every_seed_is_decoded(target: str) -> None:
    for seed in TARGETS[target].seeds():
        TARGETS[target].run(seed)
