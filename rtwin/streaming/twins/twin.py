"""Twins of users, of infrastructure and of slices: a finite database and a pool of models."""

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError
from rtwin.streaming.behaviour import HastePosterior, Preference, Views
from rtwin.streaming.twins.pool import ModelPool
from rtwin.streaming.twins.store import Store

CAPACITY = 600  # rows of each series: ten minutes of seconds


class Twin:
    """A twin of anything: series with ages, and models.

    Args:
        name: Of what it is the twin; one store holds many.
        store: Where it lives; None: in memory.
        capacity: Rows that each series keeps.
        level: Of abstraction: 0 raw, higher is coarser.
    Raises:
        OutOfRangeError: if the capacity or level is not possible.
    Checked by tests/streaming/twins/test_twin.py.
    """

    def __init__(
        self, name: str, store: Store | None = None, capacity: int = CAPACITY, level: int = 0
    ) -> None:
        if capacity < 1 or level < 0:
            raise OutOfRangeError(
                f"capacity is {capacity}, level {level}; they must be 1 or more and 0 or more"
            )
        self.name, self.capacity, self.level = name, capacity, level
        self.store = store or Store()
        self.models = ModelPool(self.store, name)

    def put(self, time_s: float, **values: ArrayLike) -> None:
        """Report values at a time [s]; each goes to the series of its name."""
        self.store.put(self.name, time_s, values, self.capacity)

    def latest(self, name: str) -> Floats:
        """The newest value of a series.

        Raises:
            OutOfRangeError: if there is none.
        """
        _, rows = self.store.get(self.name, name)
        if not rows:
            known = ", ".join(self.store.series(self.name)) or "nothing"
            raise OutOfRangeError(f"the twin of {self.name} has no {name!r}; it has {known}")
        return rows[0]

    def window(self, name: str, count: int) -> tuple[Floats, Floats]:
        """The newest rows of a series of vectors alike: times [s], [row], and [row, n]."""
        times, rows = self.store.get(self.name, name, count)
        return times, np.stack(rows) if rows else np.zeros((0, 0))

    def age_s(self, name: str, now_s: float) -> float:
        """Age of the newest value of a series [s]; inf where there is none."""
        rows, _, last = self.store.span(self.name, name)
        return now_s - last if rows else float("inf")

    def rate_hz(self, name: str) -> float:
        """How often a series was reported [1/s]; NaN before the second report."""
        rows, first, last = self.store.span(self.name, name)
        return (rows - 1) / (last - first) if rows > 1 and last > first else float("nan")

    @property
    def num_bytes(self) -> int:
        """Bytes of the values that it holds."""
        return self.store.num_bytes(self.name)


class UserTwin(Twin):
    """The twin of a user: where, how well served, what swiped and liked.

    Series: `position_m` [3], `serving_tx`, `sinr_db` [tx], `swipes` (swipes and exposure since
    the last report), `likes` [type]. Models: `haste` and `preference`.
    """

    def learn(
        self, time_s: float, views: Views, likes: ArrayLike, type_keep: float = 0.9
    ) -> tuple[HastePosterior, Preference]:
        """Take an interval's views and likes, and make new versions of the models.

        Args:
            time_s: End of the interval [s].
            views: Of this user.
            likes: How often it chose each type, [type].
            type_keep: Share of earlier counts that stays.
        """
        swipes, exposure = float(views.swiped.sum()), float(views.exposure.sum())
        counts = np.asarray(likes, np.float64)
        self.put(time_s, swipes=[swipes, exposure], likes=counts)
        haste = self.haste().seen(swipes, exposure)
        self.models.add("haste", time_s, {"shape": haste.shape, "rate": haste.rate}, 2.0)
        taste = self.preference(len(counts), type_keep)
        taste.update(counts)
        cost = 3.0 * len(counts)
        self.models.add("preference", time_s, {"counts": taste.counts, "prior": taste.prior}, cost)
        return haste, taste

    def haste(self) -> HastePosterior:
        """What is known of the user's haste; the prior before the first report."""
        model = self.models.newest("haste")
        return HastePosterior() if model is None else HastePosterior(**model.parameters)

    def preference(self, num_types: int, keep: float = 0.9) -> Preference:
        """What is known of the user's taste; the prior before the first report."""
        model = self.models.newest("preference")
        if model is None:
            return Preference(num_types, keep=keep)
        found = Preference(num_types, model.parameters["prior"], keep)
        found.counts = np.asarray(model.parameters["counts"], np.float64)
        return found


class InfrastructureTwin(Twin):
    """The twin of a station or an edge server.

    Series: `used_prb` and `reserved_prb` of a station, `group_rate_mbps` [group], `cycles` of a
    server. Model: `efficiency`, the error band of the predicted bits of a block.
    """


class SliceTwin(Twin):
    """The twin of a slice: its groups, demand, reservation and how content it is.

    Series: `demand_s`, `reserved_prb` [group], `satisfaction`, `consumption`, `group` [user].
    Models: `grouping`, `reservation`.
    """
