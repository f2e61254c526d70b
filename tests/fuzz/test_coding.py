"""Compressed bodies: any bytes at all, bombs, and many members."""

from __future__ import annotations

import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspan.errors import TooLargeError
from evalspan.ingest.body import DEFLATE, GZIP, inflate
from evalspan.ingest.wire import Undecodable
from evalspan.settings import Settings
from fuzz.conftest import Served

MIB = 1 << 20


@given(parts=st.lists(st.binary(max_size=5000), min_size=1, max_size=4))
def test_a_gzip_body_of_several_members_is_all_of_them(parts: list[bytes]) -> None:
    assert inflate(b"".join(map(gzip.compress, parts)), GZIP, MIB) == b"".join(parts)


@given(content=st.binary(max_size=5000), limit=st.integers(0, 6000), coding=st.sampled_from([GZIP, DEFLATE]))
def test_a_body_is_refused_exactly_when_it_is_over_the_limit(content: bytes, limit: int, coding: str) -> None:
    body = (gzip if coding == GZIP else zlib).compress(content)
    if len(content) > limit:
        with pytest.raises(TooLargeError):
            inflate(body, coding, limit)
    else:
        assert inflate(body, coding, limit) == content


@given(content=st.binary(max_size=3000), cut=st.integers(1, 3000), coding=st.sampled_from([GZIP, DEFLATE]))
def test_a_body_that_was_cut_off_is_never_taken_for_a_whole_one(
    content: bytes, cut: int, coding: str
) -> None:
    body = (gzip if coding == GZIP else zlib).compress(content)
    if cut < len(body):
        with pytest.raises(Undecodable):
            inflate(body[:-cut], coding, MIB)


@pytest.mark.parametrize(
    ("coding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)], ids=["gzip", "deflate"]
)
def test_a_bomb_costs_no_more_memory_than_the_limit_allows(
    served: Served, coding: str, compress: Callable[[bytes], bytes]
) -> None:
    member = compress(bytes(256 * MIB))
    bomb = member * 40 if coding == "gzip" else member  # 10 GiB in 10 MiB, as far as gzip goes
    tracemalloc.start()
    try:
        headers = {"content-type": "application/x-protobuf", "content-encoding": coding}
        answer = served.client.post("/v1/traces", content=bomb, headers=headers)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.status_code == 413
    # What is inflated so far, and the room that zlib grows into; the request itself comes on top.
    assert peak < 2.5 * Settings().max_body_bytes + 4 * len(bomb)


def test_the_time_for_many_members_grows_with_their_number_and_not_its_square() -> None:
    empty = gzip.compress(b"")

    def seconds(members: int) -> float:
        began = time.process_time()
        assert inflate(empty * members, GZIP, MIB) == b""
        return time.process_time() - began

    few = min(seconds(10_000) for _ in range(3))
    assert min(seconds(80_000) for _ in range(2)) < 24 * few  # by its square it would be 64 times
