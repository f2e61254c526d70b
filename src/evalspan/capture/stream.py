"""The answer's byte stream with somebody reading along.

The caller gets every chunk as it came and when it came. The call is over when the stream is
exhausted, fails, is closed, or is forgotten without any of that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import cache
from types import ModuleType
from typing import Any, cast

from evalspan.capture.call import Call


class _Tee:
    def __init__(self, stream: Any, call: Call) -> None:
        self._stream = stream
        self._call = call

    def __del__(self) -> None:
        self._call.finish()


class _SyncTee(_Tee):
    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                self._call.feed(chunk)
                yield chunk
        except GeneratorExit:  # the caller stopped reading, which is no failure
            raise
        except BaseException as error:
            self._call.fail(error)
            raise
        finally:
            self._call.finish()

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._call.finish()


class _AsyncTee(_Tee):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                self._call.feed(chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            self._call.fail(error)
            raise
        finally:
            self._call.finish()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._call.finish()


@cache
def tees(module: ModuleType) -> tuple[type[_Tee], type[_Tee]]:
    """The sync and the async tee for httpx or httpx2, whose clients insist on their own base classes."""
    library = cast(Any, module)
    return (
        type("SyncTee", (_SyncTee, library.SyncByteStream), {}),
        type("AsyncTee", (_AsyncTee, library.AsyncByteStream), {}),
    )
