"""Drawn requests: users with tastes who walk, and the memoryless drift of the control."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints
from rtwin.caching.demand.reach import Reach
from rtwin.caching.demand.trace import Catalogue, RequestTrace
from rtwin.errors import OutOfRangeError, ShapeError

_MEDIAN_MB, _SIZE_SD = 5.0, 0.5  # a short video of 15 s at 2.5 Mbit/s; of ln(size)


def zipf(num: int, exponent: float) -> Floats:
    """Shares of ranks 1, 2, ..., proportional to rank^-exponent, [rank]; they add up to 1."""
    shares = np.arange(1, num + 1, dtype=np.float64) ** -exponent
    return np.asarray(shares / shares.sum())


@dataclass(frozen=True)
class Bursts:
    """An item that takes a share of one station's requests for a while.

    Attributes:
        every: Requests between the starts of two bursts, on average; 0: none.
        length: Requests that one lasts.
        share: Of the station's requests.
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    every: float = 1500.0
    length: int = 400
    share: float = 0.5

    def __post_init__(self) -> None:
        if not (0 <= self.every < np.inf and self.length >= 1 and 0 <= self.share <= 1):
            raise OutOfRangeError(
                f"bursts every {self.every:g} requests of {self.length} with a share of "
                f"{self.share:g}; give 0 or more, 1 or more and 0 to 1"
            )

    def draw(self, num: int, num_stations: int, num_items: int, rng: np.random.Generator) -> Ints:
        """The item in burst of each station at each request, [request, station]; -1 for none."""
        found = np.full((num, num_stations), -1)
        if self.every <= 0:
            return found
        start = int(rng.exponential(self.every))
        while start < num:
            station, item = int(rng.integers(num_stations)), int(rng.integers(num_items))
            found[start : start + self.length, station] = item
            start += max(1, int(rng.exponential(self.every)))
        return found


NO_BURSTS = Bursts(every=0.0)


@dataclass(frozen=True)
class WalkingDemand:
    """Users who take their tastes along: which station wants what depends on who is there.

    Attributes:
        kinds: Types of videos.
        items_per_kind: Videos of each type.
        concentration: Of the Dirichlet distribution of a user's taste over types; small: each
            user likes few types.
        exponent: Of Zipf's law inside a type.
        bursts: Rare events.
        load: How often users ask while they are at each station, relative; (): everywhere alike.
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    kinds: int = 8
    items_per_kind: int = 400
    concentration: float = 0.25
    exponent: float = 0.9
    bursts: Bursts = NO_BURSTS
    load: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if min(self.kinds, self.items_per_kind) < 1 or not 0 < self.concentration < np.inf:
            raise OutOfRangeError(
                f"{self.kinds} kinds of {self.items_per_kind} items, concentration "
                f"{self.concentration:g}; all must be above 0"
            )
        if self.load and not 0 < min(self.load) <= max(self.load) < np.inf:
            raise OutOfRangeError(f"load is {list(self.load)}; all must be above 0")
        _check_exponent(self.exponent)

    def catalogue(self, rng: np.random.Generator) -> Catalogue:
        """The items, type by type."""
        return _catalogue(np.repeat(np.arange(self.kinds), self.items_per_kind), rng)

    def draw(
        self,
        reach: Reach,
        num: int,
        seed: int,
        *,
        catalogue: Catalogue | None = None,
        taste: Floats | None = None,
    ) -> RequestTrace:
        """Requests spread evenly over the time of a reach, of users drawn alike.

        Args:
            reach: Where users are.
            num: Requests.
            seed: Of tastes, rankings and requests.
            catalogue: Items, such as those of the streaming study; None: drawn.
            taste: Share of each type in what a user asks for, [user, kind]; None: drawn.
        Raises:
            ShapeError: if the tastes are not those of the users and types.
            OutOfRangeError: if there are not as many loads as stations.
        """
        if self.load and len(self.load) != reach.num_stations:
            raise OutOfRangeError(
                f"{reach.num_stations} stations, load has {len(self.load)}; give one for each"
            )
        rng = np.random.Generator(np.random.PCG64([seed, 0xCA]))
        catalogue = catalogue or self.catalogue(rng)
        if taste is None:
            alpha = np.full(catalogue.num_kinds, self.concentration)
            taste = rng.dirichlet(alpha, reach.num_users)
        elif taste.shape != (reach.num_users, catalogue.num_kinds):
            raise ShapeError(
                f"taste has shape {taste.shape}; it must be ({reach.num_users}, "
                f"{catalogue.num_kinds}), users times types"
            )
        station_weight = np.asarray(self.load or np.ones(reach.num_stations))
        place = reach.first[reach.spread(num)]
        client = draw_clients(place, np.ones(reach.num_users), station_weight, rng)
        pick = rng.random(num)[:, None] > np.cumsum(taste[client], axis=1)[:, :-1]
        kind, draw = pick.sum(axis=1), rng.random(num)
        item = np.zeros(num, np.int64)
        for number in range(catalogue.num_kinds):
            # Ranks are drawn: the number of an item tells nothing.
            items = rng.permutation(np.flatnonzero(catalogue.kind == number))
            mine = np.flatnonzero(kind == number)
            if mine.size:
                shares = np.cumsum(zipf(len(items), self.exponent))
                rank = np.minimum(np.searchsorted(shares, draw[mine]), len(items) - 1)
                item[mine] = items[rank]
        source = {"kind": "walking", "seed": seed, "num": num, **asdict(self)}
        return _placed(catalogue, client, item, reach, self.bursts, source, rng)


@dataclass(frozen=True)
class DriftingDemand:
    """Rankings that change without a reason that anybody could know: the control.

    Attributes:
        items: In the catalogue.
        exponent: Of Zipf's law.
        shared: Share of the ranking that all stations have in common.
        drift: Share of the items that change rank every `drift_every` requests.
        drift_every: See there.
        load: Requests of each station, relative; as many as there are stations.
        bursts: Rare events.
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    items: int = 1000
    exponent: float = 0.8
    shared: float = 0.6
    drift: float = 0.02
    drift_every: int = 300
    load: tuple[float, ...] = (1.8, 1.0, 1.0, 1.0, 0.7)
    bursts: Bursts = Bursts()

    def __post_init__(self) -> None:
        _check_exponent(self.exponent)
        if self.items < 2 or not (0 <= self.shared <= 1 and 0 <= self.drift <= 1):
            raise OutOfRangeError(
                f"{self.items} items, shared {self.shared:g}, drift {self.drift:g}; give 2 or "
                "more, 0 to 1 and 0 to 1"
            )
        if self.drift_every < 1 or not self.load or not min(self.load) > 0:
            raise OutOfRangeError(
                f"drift_every is {self.drift_every}, load {list(self.load)}; all must be above 0"
            )

    def draw(self, reach: Reach, num: int, seed: int) -> RequestTrace:
        """Requests of users who stay; a station's share is that of its load."""
        if reach.num_stations != len(self.load):
            raise OutOfRangeError(
                f"{reach.num_stations} stations, load has {len(self.load)}; give one for each"
            )
        rng = np.random.Generator(np.random.PCG64([seed, 0xD1]))
        catalogue = _catalogue(np.zeros(self.items, np.int64), rng)
        here = np.bincount(reach.first[0], minlength=reach.num_stations)
        weight = np.asarray(self.load)[reach.first[0]] / np.maximum(here, 1)[reach.first[0]]
        client = rng.choice(reach.num_users, size=num, p=weight / weight.sum())
        station = reach.first[0][client]
        shares = np.cumsum(zipf(self.items, self.exponent))
        rank = np.minimum(np.searchsorted(shares, rng.random(num)), self.items - 1)
        ranking = self._rankings(reach.num_stations, rng)
        item = np.empty(num, np.int64)
        for start in range(0, num, self.drift_every):
            rows = slice(start, min(start + self.drift_every, num))
            item[rows] = ranking[station[rows], rank[rows]]
            self._drift(ranking, rng)
        source = {"kind": "drifting", "seed": seed, "num": num, **asdict(self)}
        return _placed(catalogue, client, item, reach, self.bursts, source, rng)

    def _rankings(self, num_stations: int, rng: np.random.Generator) -> Ints:
        """The item of each rank, [station, rank]; some ranks are the same everywhere."""
        common = rng.permutation(self.items)
        out = np.tile(common, (num_stations, 1))
        own = np.sort(rng.permutation(self.items)[: round((1 - self.shared) * self.items)])
        for station in range(num_stations):
            out[station, own] = out[station, rng.permutation(own)]
        return out

    def _drift(self, ranking: Ints, rng: np.random.Generator) -> None:
        moved = rng.permutation(self.items)[: round(self.drift * self.items)]
        for row in ranking:
            row[moved] = row[rng.permutation(moved)]


def _check_exponent(exponent: float) -> None:
    if not 0 <= exponent <= 5:
        raise OutOfRangeError(f"exponent is {exponent:g}; it must be 0 to 5")


def _catalogue(kind: Ints, rng: np.random.Generator) -> Catalogue:
    sizes = _MEDIAN_MB * np.exp(_SIZE_SD * rng.standard_normal(len(kind)))
    return Catalogue(kind.astype(np.int64), sizes)


def draw_clients(
    place: NDArray[np.int16], user_weight: Floats, station_weight: Floats, rng: np.random.Generator
) -> Ints:
    """Who asks, [request], as often as a user and the station where it is say.

    Args:
        place: Station of every user at each request, [request, user].
        user_weight: How often each user asks, relative, [user].
        station_weight: How often users ask at each station, relative, [station].
        rng: Of the draws.
    """
    ladder = np.cumsum(user_weight * station_weight[place], axis=1)
    draw = rng.random(len(place)) * ladder[:, -1]
    return np.asarray((draw[:, None] >= ladder).sum(axis=1), np.int64)


def _placed(
    catalogue: Catalogue,
    client: Ints,
    item: Ints,
    reach: Reach,
    bursts: Bursts,
    source: dict[str, Any],
    rng: np.random.Generator,
) -> RequestTrace:
    """Requests where their clients are, with bursts on top."""
    num = len(client)
    row = reach.spread(num)
    first = reach.first[row, client].astype(np.int64)
    hot = bursts.draw(num, reach.num_stations, catalogue.num_items, rng)[np.arange(num), first]
    taken = (hot >= 0) & (rng.random(num) < bursts.share)
    return RequestTrace(
        catalogue,
        client.astype(np.int64),
        np.where(taken, hot, item),
        first,
        reach.second[row, client].astype(np.int64),
        reach.first[row],
        taken,
        reach.num_stations,
        source | {"trace_hash": reach.trace_hash},
    )
