"""A twin of users: what each likes, and who is where; a station wants what its users want.

What a user likes is a share for each type of item; what is popular within a type is the same
for all. A user who walks takes the taste along, and the link trace says where users are.
"""

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints
from rtwin.caching.demand import NO_STATION, Reach, RequestTrace, draw_clients
from rtwin.errors import OutOfRangeError

_PRIOR = 0.25  # requests that a user is taken to have made for each type
_BASE = 0.5  # and everybody for each item


class TasteTwin:
    """Forecasts of what the users of each station will ask for.

    Args:
        num_stations: Stations.
        num_clients: Users.
        kind: Type of each item, [item].
        late: Requests by which the twin's knowledge of where users are is old; 0: it is current.
        place: Where users are taken to be, [request, client], in place of what the trace says:
            what another twin believes.
        ahead: Requests ahead of which users' places are known, as a twin of their ways tells;
            what a station is expected to want is the mean over now and then.
    Checked by tests/caching/twin/test_tastes.py.
    """

    def __init__(
        self,
        num_stations: int,
        num_clients: int,
        kind: Ints,
        *,
        late: int = 0,
        ahead: int = 0,
        place: NDArray[np.int16] | None = None,
    ) -> None:
        if late < 0 or ahead < 0:
            raise OutOfRangeError(f"late is {late}, ahead {ahead}; both must be 0 or more")
        self.kind = np.asarray(kind, np.int64)
        num_kinds = int(self.kind.max()) + 1
        self.asked = np.full((num_clients, num_kinds), _PRIOR)
        self.popular = np.full(len(self.kind), _BASE)
        self.of_kind = _BASE * np.bincount(self.kind, minlength=num_kinds)
        self.rate = np.ones(num_clients)
        self.late, self.ahead, self.believed = late, ahead, place
        self._num_stations = num_stations
        self._place: Ints | None = None
        self._wanted = np.zeros((num_stations, num_kinds))

    @property
    def taste(self) -> Floats:
        """Share of each type in what a user asks for, [client, kind]."""
        return np.asarray(self.asked / self.asked.sum(axis=1, keepdims=True))

    def observe(self, trace: RequestTrace, row: int) -> None:
        """Learn from a request."""
        self.learn(int(trace.client[row]), int(trace.item[row]))

    def learn(self, client: int, item: int) -> None:
        """Learn that a user asked for an item."""
        kind = int(self.kind[item])
        before = self.asked[client] / self.asked[client].sum() * self.rate[client]
        self.asked[client, kind] += 1.0
        self.rate[client] += 1.0
        self.popular[item] += 1.0
        self.of_kind[kind] += 1.0
        if self._place is not None:
            after = self.asked[client] / self.asked[client].sum() * self.rate[client]
            for place in self._place[:, client]:
                if place != NO_STATION:
                    self._wanted[place] += after - before

    def at(self, trace: RequestTrace, row: int) -> None:
        """Where users are at a request, or were, or will be."""
        rows = [max(row - self.late, 0)]
        if self.ahead:
            rows.append(min(row + self.ahead, len(trace) - 1))
        place = (trace.place if self.believed is None else self.believed)[rows].astype(np.int64)
        if self._place is not None and self._place.shape == place.shape:
            moved = np.argwhere(place != self._place)
            if len(moved) <= 4:
                for which, client in moved:
                    self._move(client, self._place[which, client], place[which, client])
                self._place = place
                return
        self._place = place
        self._wanted[...] = 0.0
        weight = self.taste * self.rate[:, None]
        for row_of_places in place:
            here = row_of_places >= 0
            np.add.at(self._wanted, row_of_places[here], weight[here])

    def _move(self, client: int, old: int, new: int) -> None:
        weight = self.asked[client] / self.asked[client].sum() * self.rate[client]
        if old != NO_STATION:
            self._wanted[old] -= weight
        if new != NO_STATION:
            self._wanted[new] += weight

    def log_scores(self, station: Ints, items: Ints) -> Floats:
        """ln of the share of items [n, k] at stations [n], up to a constant of the station."""
        kind = self.kind[items]
        wanted = np.maximum(self._wanted[station[:, None], kind], 1e-9)
        return np.asarray(np.log(wanted * self.popular[items] / self.of_kind[kind]))

    def shares(self, station: int) -> Floats:
        """What is expected to be asked for at a station, [item]; the shares add up to 1."""
        wanted = np.maximum(self._wanted[station], 1e-9)
        value = wanted[self.kind] * self.popular / self.of_kind[self.kind]
        return np.asarray(value / value.sum())

    def log_loss(self, trace: RequestTrace, row: int) -> float:
        """Surprise of a request [nat] to somebody who knows its station, but not who asks."""
        self.at(trace, row)
        return float(-np.log(self.shares(int(trace.first[row]))[trace.item[row]]))


class PresentCounts(TasteTwin):
    """Counts of what the users of a station asked for themselves, without types or the others.

    What a user asked for is all that is known of a user: the middle way between counts of
    stations and tastes.
    """

    def __init__(self, num_stations: int, num_clients: int, kind: Ints) -> None:
        super().__init__(num_stations, num_clients, np.arange(len(kind)))
        self.asked = np.zeros((num_clients, len(kind)))
        self._wanted = np.zeros((num_stations, len(kind)))

    def learn(self, client: int, item: int) -> None:
        """Count a request for its user."""
        self.asked[client, item] += 1.0
        if self._place is not None and self._place[0, client] != NO_STATION:
            self._wanted[self._place[0, client], item] += 1.0

    @property
    def taste(self) -> Floats:
        """What each user asked for, [client, item]."""
        return self.asked

    def _move(self, client: int, old: int, new: int) -> None:
        if old != NO_STATION:
            self._wanted[old] -= self.asked[client]
        if new != NO_STATION:
            self._wanted[new] += self.asked[client]

    def log_scores(self, station: Ints, items: Ints) -> Floats:
        """ln of counts of items [n, k] at stations [n]."""
        return np.asarray(np.log(self._wanted[station[:, None], items] + 0.01))


def fit_tastes(history: RequestTrace, *, late: int = 0, ahead: int = 0) -> TasteTwin:
    """A twin that has seen all requests of a history.

    Raises:
        OutOfRangeError: if the history is empty.
    """
    if not len(history):
        raise OutOfRangeError("the history holds no requests; give one or more")
    made = TasteTwin(
        history.num_stations, history.num_clients, history.catalogue.kind, late=late, ahead=ahead
    )
    for row in range(len(history)):
        made.observe(history, row)
    return made


def generate_walks(
    twin: TasteTwin, reach: Reach, like: RequestTrace, num: int, seed: int
) -> RequestTrace:
    """Requests of users with a twin's tastes who walk as a reach says.

    Args:
        twin: Tastes, popularity and rates.
        reach: Where users are; its time is stretched over the requests.
        like: Whose catalogue; users ask as often at a station as they do there.
        num: Requests.
        seed: Of the draws.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 0x7A57]))
    row = reach.spread(num)
    client = draw_clients(reach.first[row], twin.rate, _busy(like), rng)
    kind = (rng.random(num)[:, None] > np.cumsum(twin.taste[client], axis=1)[:, :-1]).sum(axis=1)
    item = np.empty(num, np.int64)
    for number in range(twin.asked.shape[1]):
        mine, items = np.flatnonzero(kind == number), np.flatnonzero(twin.kind == number)
        share = twin.popular[items] / twin.popular[items].sum()
        item[mine] = rng.choice(items, size=len(mine), p=share)
    return RequestTrace(
        like.catalogue,
        client,
        item,
        reach.first[row, client].astype(np.int64),
        reach.second[row, client].astype(np.int64),
        reach.first[row],
        np.zeros(num, bool),
        reach.num_stations,
        {"kind": "twin", "seed": seed},
    )


def _busy(trace: RequestTrace) -> Floats:
    """Requests per user who is at a station, relative to all of them, [station]."""
    asked = np.bincount(trace.first, minlength=trace.num_stations)
    there = np.bincount(trace.place[trace.place >= 0], minlength=trace.num_stations)
    # If all asked alike, a user would make one of num_clients requests.
    return np.asarray((asked + 1.0) / (there / trace.num_clients + 1.0))
