"""The budget of one job: what a call may come to is set aside, and written down, before it is made.

So nothing that happens to the service lets a job use more. What was set aside for a call whose answer nobody
saw (killed, cancelled, timed out) stays set aside, for it may have been charged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from evalspan.jobs.entry import Entry
from evalspan.jobs.job import Budget
from evalspan.jobs.state import Totals, left_of


class BudgetReached(Exception):
    """What is left does not cover the next call."""


@dataclass(frozen=True)
class Amount:
    """Trillionths of a dollar, and tokens."""

    usd: int = 0
    tokens: int = 0


class Ledger:
    """Of one job, on one event loop."""

    def __init__(self, budget: Budget, used: Totals) -> None:
        """`used`: by everything of the job so far, also what is set aside."""
        self._budget = budget
        self._usd, self._tokens = left_of(budget, used)
        self._under_way = 0
        self._change = asyncio.Condition()
        self.reached = ""
        """What the budget did not cover; '' while it lasts."""

    @property
    def limited(self) -> bool:
        return bool(self._budget)

    @property
    def in_dollars(self) -> bool:
        return self._budget.usd is not None

    async def reserve(self, amount: Amount) -> None:
        """Set aside; where calls under way hold what is needed, wait for what they leave.

        Raises:
            BudgetReached: nothing is under way, and what is left is too little.
        """
        async with self._change:
            while not self._covers(amount):
                if not self._under_way:
                    self.reached = self.reached or self._complaint(amount)
                    raise BudgetReached(self.reached)
                await self._change.wait()
            self._take(amount)
            self._under_way += 1

    async def settle(self, reserved: Amount, used: Amount) -> None:
        """The call is over and came to `used`; what is left of `reserved` is free again."""
        async with self._change:
            self._take(Amount(used.usd - reserved.usd, used.tokens - reserved.tokens))
            self._under_way -= 1
            self._change.notify_all()

    def _covers(self, amount: Amount) -> bool:
        return (self._usd is None or amount.usd <= self._usd) and (
            self._tokens is None or amount.tokens <= self._tokens
        )

    def _take(self, amount: Amount) -> None:
        if self._usd is not None:
            self._usd -= amount.usd
        if self._tokens is not None:
            self._tokens -= amount.tokens

    def _complaint(self, amount: Amount) -> str:
        parts: list[str] = []
        if self._usd is not None and amount.usd > self._usd:
            parts.append(
                f"of {self._budget.usd:g} dollars {max(self._usd, 0) / 1e12:.6f} are left, and the next call "
                f"may cost {amount.usd / 1e12:.6f}"
            )
        if self._tokens is not None and amount.tokens > self._tokens:
            parts.append(
                f"of {self._budget.tokens} tokens {max(self._tokens, 0)} are left, and the next call may use "
                f"{amount.tokens}"
            )
        return f"The budget is reached: {'; '.join(parts)}."


class Purse:
    """What one item pays its calls from."""

    def __init__(self, ledger: Ledger, entry: Entry, write: Callable[[], Awaitable[None]]) -> None:
        """`write` writes the entry down; without a budget it is not needed before a call."""
        self._ledger = ledger
        self._entry = entry
        self._write = write
        self.reached = False
        """Whether a call of this item was not covered."""
        self.lost = False
        """Whether there was a call of which nobody knows what it came to."""

    @property
    def limited(self) -> bool:
        return self._ledger.limited

    @property
    def in_dollars(self) -> bool:
        return self._ledger.in_dollars

    async def reserve(self, amount: Amount) -> None:
        """Raises BudgetReached."""
        try:
            await self._ledger.reserve(amount)
        except BudgetReached:
            self.reached = True
            raise
        self._entry.reserved_usd += amount.usd
        self._entry.reserved_tokens += amount.tokens
        if self.limited:
            try:
                await self._write()
            except BaseException:
                await self.release(amount)
                raise

    async def release(self, reserved: Amount) -> None:
        """The call was not made, or is not charged."""
        await self._settle(reserved, Amount())

    async def pay(self, reserved: Amount, used: Amount, *, priced: bool) -> None:
        """The call came to `used`."""
        self._entry.spent_usd += used.usd
        self._entry.spent_tokens += used.tokens
        self._entry.unpriced += not priced
        await self._settle(reserved, used)

    async def lose(self, reserved: Amount, *, answered: bool = False) -> None:
        """Nobody knows what the call came to: it stays set aside, and nobody waits for it."""
        self.lost = True
        self._entry.unmetered += answered
        self._entry.unpriced += answered
        await self._ledger.settle(reserved, reserved)

    async def _settle(self, reserved: Amount, used: Amount) -> None:
        self._entry.reserved_usd -= reserved.usd
        self._entry.reserved_tokens -= reserved.tokens
        await self._ledger.settle(reserved, used)
