"""Caches of one station as their papers have them: what any other policy is compared with."""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from rtwin.errors import OutOfRangeError


class Cache(Protocol):
    """A cache of so many slots that is asked for one item after the other."""

    def request(self, item: int) -> bool:
        """Whether the item is there; if not, the cache may take it in."""

    def __contains__(self, item: object) -> bool:
        """Whether the item is there."""


def _check(slots: int) -> int:
    if slots < 1:
        raise OutOfRangeError(f"slots is {slots}; it must be 1 or more")
    return slots


class LeastRecentlyUsed:
    """LRU: the item that was asked for longest ago goes."""

    def __init__(self, slots: int) -> None:
        self.slots = _check(slots)
        self._order: OrderedDict[int, None] = OrderedDict()

    def __contains__(self, item: object) -> bool:
        return item in self._order

    def request(self, item: int) -> bool:
        """Whether the item is there; it is afterwards."""
        if item in self._order:
            self._order.move_to_end(item)
            return True
        if len(self._order) >= self.slots:
            self._order.popitem(last=False)
        self._order[item] = None
        return False


class LeastFrequentlyUsed:
    """LFU with counts that outlive eviction; with decay they halve in `half_life` requests.

    Args:
        slots: Of the cache.
        half_life: Requests in which a count halves; inf: counts are kept for ever.
        admits: Always: a newcomer takes the place of the rarest item. Else only if it was
            asked for more often than that one.
    """

    def __init__(self, slots: int, half_life: float = np.inf, admits: bool = False) -> None:
        self.slots = _check(slots)
        if not half_life > 0:
            raise OutOfRangeError(f"half_life is {half_life:g}; it must be above 0")
        self._growth = 2.0 ** (1.0 / half_life)
        self._weight = 1.0  # newer requests weigh more, which is older ones losing weight
        self._count: dict[int, float] = {}
        self._last: dict[int, int] = {}
        self._items: dict[int, None] = {}
        self._admits = admits
        self._time = 0

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def request(self, item: int) -> bool:
        """Whether the item is there."""
        self._time += 1
        self._weight *= self._growth
        if self._weight > 1e200:
            self._count = {key: value / self._weight for key, value in self._count.items()}
            self._weight = 1.0
        self._count[item] = self._count.get(item, 0.0) + self._weight
        self._last[item] = self._time
        if item in self._items:
            return True
        if len(self._items) >= self.slots:
            victim = min(self._items, key=lambda i: (self._count[i], self._last[i]))
            if not self._admits and self._count[item] <= self._count[victim]:
                return False
            del self._items[victim]
        self._items[item] = None
        return False


class RandomReplacement:
    """Any item goes."""

    def __init__(self, slots: int, seed: int = 0) -> None:
        self.slots = _check(slots)
        self._rng = np.random.Generator(np.random.PCG64(seed))
        self._items: list[int] = []
        self._place: dict[int, int] = {}

    def __contains__(self, item: object) -> bool:
        return item in self._place

    def request(self, item: int) -> bool:
        """Whether the item is there; it is afterwards."""
        if item in self._place:
            return True
        if len(self._items) < self.slots:
            self._place[item] = len(self._items)
            self._items.append(item)
            return False
        row = int(self._rng.integers(self.slots))
        del self._place[self._items[row]]
        self._items[row], self._place[item] = item, row
        return False


class S3Fifo:
    """S3-FIFO: a small queue for newcomers, a main queue, and a list of what was turned out.

    Source: Yang, Zhang, Qiu, Yue, Vigfusson, FIFO queues are all you need for cache
    eviction (SOSP 2023), with a tenth of the slots for newcomers.
    """

    def __init__(self, slots: int) -> None:
        self.slots = _check(slots)
        self._small_slots = max(1, slots // 10)
        self._small: deque[int] = deque()
        self._main: deque[int] = deque()
        self._ghost: OrderedDict[int, None] = OrderedDict()
        self._freq: dict[int, int] = {}

    def __contains__(self, item: object) -> bool:
        return item in self._freq

    def request(self, item: int) -> bool:
        """Whether the item is there; it is afterwards."""
        if item in self._freq:
            self._freq[item] = min(self._freq[item] + 1, 3)
            return True
        while len(self._freq) >= self.slots:
            self._evict()
        if item in self._ghost:
            del self._ghost[item]
            self._main.append(item)
        else:
            self._small.append(item)
        self._freq[item] = 0
        return False

    def _evict(self) -> None:
        if len(self._small) >= self._small_slots or not self._main:
            while self._small:
                item = self._small.popleft()
                if self._freq[item] > 1:
                    self._freq[item] = 0
                    self._main.append(item)
                    continue
                del self._freq[item]
                self._ghost[item] = None
                if len(self._ghost) > max(1, self.slots - self._small_slots):
                    self._ghost.popitem(last=False)
                return
        while self._main:
            item = self._main.popleft()
            if self._freq[item] > 0:
                self._freq[item] -= 1
                self._main.append(item)
                continue
            del self._freq[item]
            return


class TinyLfu:
    """W-TinyLFU: a window by recency, and admission to a segmented LRU by counts that age.

    Counts are exact here, where the paper has a sketch of them, and are halved after ten
    requests for each slot.

    Source: Einziger, Friedman, Manes, TinyLFU (ACM Transactions on Storage 13(4), 2017).
    """

    def __init__(self, slots: int) -> None:
        self.slots = _check(slots)
        self._window_slots = max(1, slots // 100)
        main = max(0, slots - self._window_slots)
        self._protected_slots = (4 * main) // 5
        self._main_slots = main
        self._window: OrderedDict[int, None] = OrderedDict()
        self._probation: OrderedDict[int, None] = OrderedDict()
        self._protected: OrderedDict[int, None] = OrderedDict()
        self._count: dict[int, int] = {}
        self._seen = 0

    def __contains__(self, item: object) -> bool:
        return item in self._window or item in self._probation or item in self._protected

    def request(self, item: int) -> bool:
        """Whether the item is there."""
        self._count[item] = min(self._count.get(item, 0) + 1, 15)
        self._seen += 1
        if self._seen >= 10 * self.slots:
            self._count = {key: n // 2 for key, n in self._count.items() if n > 1}
            self._seen = 0
        if item in self._window:
            self._window.move_to_end(item)
            return True
        if item in self._protected:
            self._protected.move_to_end(item)
            return True
        if item in self._probation:
            del self._probation[item]
            self._protected[item] = None
            if len(self._protected) > self._protected_slots:
                demoted, _ = self._protected.popitem(last=False)
                self._probation[demoted] = None
            return True
        self._window[item] = None
        if len(self._window) > self._window_slots:
            self._admit(self._window.popitem(last=False)[0])
        return False

    def _admit(self, candidate: int) -> None:
        if len(self._probation) + len(self._protected) < self._main_slots:
            self._probation[candidate] = None
            return
        queue = self._probation or self._protected
        if not queue:
            return
        victim = next(iter(queue))
        if self._count.get(candidate, 0) > self._count.get(victim, 0):
            del queue[victim]
            self._probation[candidate] = None


class Belady:
    """The bound: the item that is asked for latest goes, the newcomer itself if it is that.

    Args:
        slots: Of the cache.
        items: All that the cache will be asked for, in order.
    """

    def __init__(self, slots: int, items: Sequence[int]) -> None:
        self.slots = _check(slots)
        self._next = next_use(items)
        self._items: dict[int, int] = {}
        self._time = 0

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def request(self, item: int) -> bool:
        """Whether the item is there."""
        following = int(self._next[self._time])
        self._time += 1
        if item in self._items:
            self._items[item] = following
            return True
        if len(self._items) >= self.slots:
            victim = max(self._items, key=self._items.__getitem__)
            if self._items[victim] <= following:
                return False
            del self._items[victim]
        self._items[item] = following
        return False


def next_use(items: Sequence[int]) -> np.ndarray:
    """When each request's item is asked for again, [request]; far beyond the end for never."""
    never = 2 * len(items) + 1
    found = np.full(len(items), never, np.int64)
    later: dict[int, int] = {}
    for time in range(len(items) - 1, -1, -1):
        item = int(items[time])
        # Those that never come again differ, so that there are no ties.
        found[time] = later.get(item, never + time)
        later[item] = time
    return found


TEXTBOOK: dict[str, Callable[[int], Cache]] = {
    "random": RandomReplacement,
    "LRU": LeastRecentlyUsed,
    "LFU": lambda slots: LeastFrequentlyUsed(slots, half_life=1000.0, admits=True),
    "S3-FIFO": S3Fifo,
    "W-TinyLFU": TinyLfu,
}
