"""The only source of chance of the demo business: the same draws on every machine."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TypeVar

_Item = TypeVar("_Item")


class Draws:
    """A stream of chance of its own for each part of the business, named by its key.

    Streams of their own keep a change small: one more walk-in does not make another customer of
    everyone after it.
    """

    __slots__ = ("_next",)

    def __init__(self, *key: object) -> None:
        # A text is seeded by its SHA-512, the same everywhere; hash() is not.
        self._next = random.Random("|".join(map(str, key))).random

    def below(self, limit: int) -> int:
        """A whole number in [0, limit)."""
        return int(self._next() * limit)

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high]."""
        return low + int(self._next() * (high - low + 1))

    def chance(self, percent: float) -> bool:
        """True in `percent` of 100 cases."""
        return self._next() * 100 < percent

    def pick(self, items: Sequence[_Item]) -> _Item:
        """One of `items`, each as likely."""
        return items[int(self._next() * len(items))]

    def weighted(self, running_totals: Sequence[int]) -> int:
        """An index, as often as its weight; takes the running totals of whole weights."""
        return bisect_right(running_totals, int(self._next() * running_totals[-1]))


def cumulated(weights: Iterable[int]) -> tuple[int, ...]:
    """The running totals of `weights`, as `Draws.weighted` takes them."""
    totals: list[int] = []
    total = 0
    for weight in weights:
        total += weight
        totals.append(total)
    return tuple(totals)
