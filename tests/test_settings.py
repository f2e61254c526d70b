"""Settings: one table, three ways in, clear refusals."""

from __future__ import annotations

import pytest

from evalspan.errors import UsageError
from evalspan.settings import load


def test_an_override_wins_over_the_environment_which_wins_over_the_default() -> None:
    environ = {"EVALSPAN_HTTP_PORT": "5000", "EVALSPAN_HOST": ""}
    assert load(environ=environ).http_port == 5000
    assert load({"http_port": 6000}, environ).http_port == 6000
    assert load(environ=environ).host == "127.0.0.1"


def test_a_wrong_value_is_refused_by_its_variable_and_value() -> None:
    with pytest.raises(UsageError, match=r"EVALSPAN_HTTP_PORT='eighty'.*integer"):
        load(environ={"EVALSPAN_HTTP_PORT": "eighty"})
    with pytest.raises(UsageError, match=r"EVALSPAN_QUERY_TIMEOUT=0.*greater than 0"):
        load({"query_timeout": 0}, {})
