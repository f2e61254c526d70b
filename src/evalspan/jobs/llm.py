"""Asking models: at the provider's pace, again where that helps, within the budget, and captured.

Our own capture watches each attempt as it watches an app's, so a refused one is a span too.
"""

from __future__ import annotations

import asyncio
import json
import time
from decimal import Decimal
from typing import Any, Final, cast

import httpx
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import TracerProvider

from evalspan.capture import hosts
from evalspan.capture.call import Answered
from evalspan.capture.watcher import Watcher
from evalspan.errors import EvalspanError, UsageError
from evalspan.ingest import prices
from evalspan.jobs.anthropic_wire import AnthropicWire
from evalspan.jobs.gate import Gate, asked_pause, pause
from evalspan.jobs.ledger import Amount, Purse
from evalspan.jobs.openai_wire import OpenAIWire
from evalspan.jobs.providers import Provider, Providers
from evalspan.jobs.state import usd_units
from evalspan.jobs.wire import Reply, Usage, Wire, complaint, mapping
from evalspan.judges import Answer
from evalspan.model import Json, dump

_WIRES: Final[dict[str, Wire]] = {"openai": OpenAIWire(), "anthropic": AnthropicWire()}
_AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_RESTS: Final = frozenset({429, 503, 529})
_MAY_BE_CHARGED: Final = frozenset({408, 502, 504})  # somebody gave up waiting for an answer
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_LONGEST_ANSWER: Final = 8 << 20  # bytes; 30 MiB took 2.2 GiB until they were stored in five spans
_OVERHEAD: Final = 64  # tokens that a wire may add to a request, and to each message
_TEXTS: Final = frozenset({"text", "tool_use", "tool_result"})
_TOOLS_OVERHEAD: Final = 1024  # a system prompt that tells a model how to call tools


class ModelError(EvalspanError):
    """A model gave no answer. `kind` is what becomes of `error.type`."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class Models:
    """Every model that the service may ask. On one event loop."""

    def __init__(self, providers: Providers, tracer_provider: TracerProvider) -> None:
        self._providers = providers
        self._watcher = Watcher(tracer_provider, None)
        self._client = httpx.AsyncClient(
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64)
        )
        self._gates: dict[str, Gate] = {}

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(
        self, model: str, messages: list[dict[str, Json]], parameters: dict[str, Json], purse: Purse
    ) -> Answer:
        """What a model says.

        Raises:
            ModelError: it did not answer. UsageError: it cannot be asked so.
            BudgetReached: what is left does not cover the call.
        """
        provider, name = self._providers.of(model)
        wire, key = _WIRES[provider.api], provider.key
        if purse.limited and "max_tokens" not in parameters:
            parameters = {**parameters, "max_tokens": provider.max_tokens}
        body = wire.body(provider, name, messages, parameters)
        limit = (
            bound(provider, name, body, parameters, dollars=purse.in_dollars) if purse.limited else Amount()
        )
        request = self._client.build_request(
            "POST", wire.url(provider), json=body, headers=wire.headers(key), timeout=provider.timeout
        )
        for attempt in range(1, provider.max_attempts + 1):
            last = attempt == provider.max_attempts
            response = await self._attempt(provider, request, limit, purse, last=last)
            if response is None or response.status_code in _AGAIN:
                await asyncio.sleep(self._pause(provider, response, attempt))
                continue
            self._gates[provider.name].took()
            return await _answered(provider, name, wire, response, limit, purse)
        raise AssertionError

    async def _attempt(
        self, provider: Provider, request: httpx.Request, limit: Amount, purse: Purse, *, last: bool
    ) -> httpx.Response | None:
        """The answer, where there is one and more is not to be tried; what it costs is open still."""
        await purse.reserve(limit)
        gate = self._gates.setdefault(provider.name, Gate(provider))
        try:
            async with gate.turn():
                response = await self._send(request)
        except httpx.HTTPError as error:
            await (purse.release if isinstance(error, _NOT_SENT) else purse.lose)(limit)
            if last:
                said = f"{type(error).__name__} {error}".strip()
                raise ModelError(
                    f"{provider.name} at {request.url.host} did not answer: {said}", type(error).__name__
                ) from None
            return None
        except BaseException:
            await purse.lose(limit)
            raise
        if response.status_code >= 400:
            await (purse.lose if response.status_code in _MAY_BE_CHARGED else purse.release)(limit)
            if last or response.status_code not in _AGAIN:
                raise ModelError(
                    f"{provider.name} answered {response.status_code}: {complaint(response)}",
                    str(response.status_code),
                )
        return response

    def _pause(self, provider: Provider, response: httpx.Response | None, attempt: int) -> float:
        if response is None or response.status_code not in _RESTS:
            return pause(attempt)
        asked = asked_pause(response.headers)
        self._gates[provider.name].refused(asked)
        return 0.0 if asked else pause(attempt)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        call = self._watcher.begin(request)
        if call is None:
            return await self._whole(request)
        try:
            with call.current(), suppress_instrumentation():
                response = await self._whole(request)
        except BaseException as error:
            call.fail(error)
            raise
        call.answered(Answered(response.status_code, response.headers.get("content-type", "")))
        call.feed(response.content)
        call.finish()
        return response

    async def _whole(self, request: httpx.Request) -> httpx.Response:
        """Raises ModelError where the answer is too long to be one."""
        response = await self._client.send(request, stream=True)
        parts: list[bytes] = []
        size = 0
        try:
            async for part in response.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > _LONGEST_ANSWER:
                    raise ModelError(
                        f"{request.url.host} answered more than {_LONGEST_ANSWER >> 20} MiB.", "AnswerTooLong"
                    )
        finally:
            await response.aclose()
        headers = [each for each in response.headers.multi_items() if each[0] != "content-encoding"]
        return httpx.Response(response.status_code, headers=headers, content=b"".join(parts), request=request)


def bound(
    provider: Provider, model: str, body: dict[str, Any], parameters: dict[str, Json], *, dollars: bool
) -> Amount:
    """The most that a call can come to: no token is less than a byte of what is sent.

    Raises:
        UsageError: nobody knows.
    """
    text = json.dumps(body, ensure_ascii=False)
    messages = [mapping(each) for each in cast("list[Any]", body["messages"])]
    kinds = {str(mapping(part).get("type")) for each in messages for part in _parts(each)} - _TEXTS
    if kinds:
        raise UsageError(
            f"Within a budget no message may hold {', '.join(sorted(kinds))}: how many tokens that is nobody "
            "knows before it is asked."
        )
    sent = len(text.encode()) + _OVERHEAD * (1 + len(messages)) + _TOOLS_OVERHEAD * ("tools" in body)
    said = int(parameters.get("max_tokens") or provider.max_tokens) * int(parameters.get("n") or 1)
    usage = Usage(sent, said, 0, sent if "cache_control" in text else 0)
    price = cost(provider, model, "", usage) if dollars else None
    if dollars and price is None:
        raise UsageError(no_price(model))
    return Amount(usd_units(price) if price is not None else 0, sent + said)


def no_price(model: str) -> str:
    return (
        f"The budget is in dollars, and the price of {model!r} is not known. Say it in a price file "
        "(EVALSPAN_PRICE_FILE), or limit the tokens."
    )


def _parts(message: dict[str, Any]) -> list[Any]:
    content = message.get("content")
    return cast("list[Any]", content) if isinstance(content, list) else []


def cost(provider: Provider, asked: str, answered: str, usage: Usage) -> Decimal | None:
    """US dollars, by the prices that the ingest goes by; None where there is none."""
    whose = hosts.provider(httpx.URL(provider.base_url).host, otherwise=_WIRES[provider.api].provider)
    tokens = (usage.input, usage.output, usage.cache_read, usage.cache_write)
    return prices.quote(whose, asked, answered or asked, time.time_ns(), tokens, None)[0]


async def _answered(
    provider: Provider, model: str, wire: Wire, response: httpx.Response, limit: Amount, purse: Purse
) -> Answer:
    try:
        reply: Reply = wire.reply(json.loads(dump(json.loads(response.content))))
        usage = reply.usage
        price = cost(provider, model, reply.model, usage) if usage else None
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        await purse.lose(limit)
        said = f"{type(error).__name__}: {error}"
        raise ModelError(
            f"{provider.name} answered what is no answer ({said:.200}): {response.text[:200]!r}",
            "InvalidAnswer",
        ) from None
    if usage is None:
        await purse.lose(limit, answered=True)
    else:
        used = Amount(usd_units(price) if price is not None else limit.usd, usage.input + usage.output)
        await purse.pay(limit, used, priced=price is not None)
    return Answer(
        text=reply.text,
        message=reply.message,
        model=reply.model or model,
        input_tokens=usage.input if usage else None,
        output_tokens=usage.output if usage else None,
        cost_usd=float(price) if price is not None else None,
    )
