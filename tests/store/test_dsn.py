"""Store addresses: chdb://PATH, or http(s)://user:password@host:port/database."""

from __future__ import annotations

import pytest

from evalspan.errors import UsageError
from evalspan.store import Store
from evalspan.store.dsn import parse


@pytest.mark.parametrize(
    "address",
    ["", "chdb://", "postgres://x/y", "localhost:8123", "http://", "http://host:port/d", "http://host:99999/d",
     "http://host/a/b", "http://host/a`b", "http://host/d?secure=1"],
)  # fmt: skip
def test_an_address_that_is_none_is_named_in_the_error(address: str) -> None:
    with pytest.raises(UsageError, match="store"):
        Store(address)


def test_a_password_stands_in_no_message() -> None:
    dsn = parse("http://me:s%40cret@127.0.0.1:1/d")
    assert dsn.password == "s@cret"
    assert "cret" not in str(dsn)
    with pytest.raises(UsageError) as refusal:
        parse("http://me:secret@host:port/d")
    assert "secret" not in str(refusal.value)


def test_ports_and_database_have_defaults() -> None:
    assert str(parse("http://host")) == "http://default@host:8123/evalspan"
    assert str(parse("https://me@host/d")) == "https://me@host:8443/d"
