"""Which stations a user reaches over time: from a link trace, or drawn on a ring."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints
from rtwin.caching.demand.trace import NO_STATION, Catalogue, RequestTrace
from rtwin.dataset import LinkTrace
from rtwin.errors import OutOfRangeError

WITHIN_DB = 6.0


@dataclass(frozen=True, eq=False)
class Reach:
    """Stations in reach of every user over time.

    Attributes:
        time_s: Times of the rows [s], [time].
        first: Station heard best, [time, user]; NO_STATION where none is.
        second: Another one, hardly worse; NO_STATION where there is none, [time, user].
        station_name: [station].
        trace_hash: Content hash of the link trace; "" if it is drawn.
    """

    time_s: Floats
    first: NDArray[np.int16]
    second: NDArray[np.int16]
    station_name: tuple[str, ...]
    trace_hash: str = ""

    @property
    def num_users(self) -> int:
        """Number of users."""
        return self.first.shape[1]

    @property
    def num_stations(self) -> int:
        """Number of stations."""
        return len(self.station_name)

    def rows_at(self, time_s: Floats) -> Ints:
        """The last row at or before each time; the first row before all, [n]."""
        return np.maximum(np.searchsorted(self.time_s, time_s, side="right") - 1, 0)

    def spread(self, num: int) -> Ints:
        """The row at each of `num` requests that are spread evenly over the time, [num]."""
        span = float(self.time_s[-1] - self.time_s[0])
        return self.rows_at(self.time_s[0] + span * (np.arange(num) + 0.5) / max(num, 1))


def reach_of_trace(trace: LinkTrace, within_db: float = WITHIN_DB) -> Reach:
    """Who reaches which stations along a link trace.

    The first station is the serving one, which changes with hysteresis; where nobody serves
    it is the last one that did, or the strongest of all times. The second is the strongest of
    the others, if it is at most `within_db` weaker than the first.

    Args:
        trace: Of users along tracks, as `rtwin sample` makes it; its transmitters are the
            stations, the streaming study's as well.
        within_db: How much weaker a second station may be [dB].
    Raises:
        OutOfRangeError: if that is negative, or a user hears nothing at any time.
    Checked by tests/caching/demand/test_reach.py.
    """
    if not 0 <= within_db < np.inf:
        raise OutOfRangeError(f"within_db is {within_db:g}; it must be 0 or more")
    level = np.where(np.isfinite(trace.rss_dbm), trace.rss_dbm, -np.inf).astype(np.float64)
    serving = trace.serving_tx.astype(np.int64)
    for user in range(trace.num_ues):
        known = np.flatnonzero(serving[:, user] >= 0)
        if not known.size:
            raise OutOfRangeError(
                f"user {trace.ue_name[user]!r} hears no station at any time; leave it out"
            )
        last = np.maximum.accumulate(np.where(serving[:, user] >= 0, np.arange(len(serving)), -1))
        serving[:, user] = serving[np.where(last < 0, known[0], last), user]
    own = np.take_along_axis(level, serving[..., None], axis=2)
    others = level.copy()
    np.put_along_axis(others, serving[..., None], -np.inf, axis=2)
    best = others.argmax(axis=2)
    strength = others.max(axis=2)
    near = np.isfinite(strength) & (strength >= own[..., 0] - within_db)
    return Reach(
        trace.time_s,
        serving.astype(np.int16),
        np.where(near, best, NO_STATION).astype(np.int16),
        trace.tx_name,
        str(trace.attributes.get("content_hash", trace.attributes.get("request_hash", ""))),
    )


def requests_at(
    client: Ints, item: Ints, time_s: Floats, reach: Reach, catalogue: Catalogue
) -> RequestTrace:
    """Requests that another study made, at the stations of a reach.

    Args:
        client: Who asked, row of the reach's users, [request].
        item: For what, row of the catalogue, [request].
        time_s: When [s], ascending, on the clock of the reach, [request].
        reach: Where users are.
        catalogue: What is asked for.
    Raises:
        ShapeError, OutOfRangeError: if the columns do not fit together or times fall.
    Checked by tests/caching/demand/test_reach.py.
    """
    if len(time_s) != len(client) or (np.diff(time_s) < 0).any():
        raise OutOfRangeError("time_s must hold one ascending time for each request")
    row = reach.rows_at(np.asarray(time_s, np.float64))
    return RequestTrace(
        catalogue,
        np.asarray(client, np.int64),
        np.asarray(item, np.int64),
        reach.first[row, client].astype(np.int64),
        reach.second[row, client].astype(np.int64),
        reach.first[row],
        np.zeros(len(client), bool),
        reach.num_stations,
        {"kind": "shared", "trace_hash": reach.trace_hash},
    )


def ring_reach(
    num_users: int,
    num_stations: int,
    num_steps: int,
    stay_steps: float,
    share_with_two: float,
    rng: np.random.Generator,
) -> Reach:
    """Users on a ring of stations who walk to a neighbour now and then; no radio.

    Args:
        num_users: Users, spread evenly at first.
        num_stations: Stations, two or more.
        num_steps: Rows in time, one second each.
        stay_steps: Mean number of rows between two moves; inf: nobody moves.
        share_with_two: Share of the users who reach the next station on the ring as well.
        rng: Of the draws.
    Raises:
        OutOfRangeError: if a number is not possible.
    """
    if num_users < 1 or num_stations < 2 or num_steps < 1:
        raise OutOfRangeError(
            f"{num_users} users, {num_stations} stations, {num_steps} steps; there must be 1, 2 "
            "and 1 or more"
        )
    if not (stay_steps >= 1 and 0 <= share_with_two <= 1):
        raise OutOfRangeError(
            f"stay_steps is {stay_steps:g} and share_with_two {share_with_two:g}; they must be 1 "
            "or more and 0 to 1"
        )
    moves = rng.random((num_steps, num_users)) < 1.0 / stay_steps
    moves[0] = False
    step = np.where(rng.random(moves.shape) < 0.5, 1, -1) * moves
    start = np.arange(num_users) % num_stations
    first = (start + np.cumsum(step, axis=0)) % num_stations
    both = np.zeros(num_users, bool)
    both[rng.permutation(num_users)[: round(share_with_two * num_users)]] = True
    second = np.where(both, (first + 1) % num_stations, NO_STATION)
    return Reach(
        np.arange(num_steps, dtype=np.float64),
        first.astype(np.int16),
        second.astype(np.int16),
        tuple(f"station_{n}" for n in range(num_stations)),
    )
