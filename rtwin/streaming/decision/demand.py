"""How many seconds of video a multicast group needs in an interval.

A group plays one list of videos, each member at its own pace; a second of a video is sent if any
member plays it. Members swipe independently, so with P_u the chance that member u plays a second,
it is sent with 1 - prod_u (1 - P_u).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError
from rtwin.streaming.behaviour import Catalogue, Views, cut_views, draw_views

_PARTS = 2  # of each type, by how much is watched
_SECONDS = (0, 1, 2, 4, 6, 9, 13, 18, 25, 35, 47, 60, 80, 120, 600, 3600)
_PLACES = (1, 2, 3, 4, 5, 7, 9, 12, 16, 22, 30, 45, 65)  # of a list, the last is its end
_HASTES = np.exp(np.linspace(np.log(0.05), np.log(20.0), 24))


def together_s(catalogue: Catalogue, video: int, haste: Floats) -> float:
    """Seconds of one video that members need who start it together, on average.

    D = sum_t (1 - prod_u (1 - S(t)^h_u)). With one member it is what that one watches; with
    haste towards 0 it is the duration.
    """
    hazard = catalogue.hazard[video, : catalogue.duration_s[video]]
    alone = np.exp(-np.asarray(haste, np.float64)[:, None] * hazard)
    return float((1.0 - np.prod(1.0 - alone, axis=0)).sum())


@dataclass(frozen=True, eq=False)
class Viewers:
    """What the demand of groups is made of, for some users.

    Attributes:
        plays: Chance that each second bin of a representative video is played, given that the
            video is begun, [user, part, second].
        mean_s: Mean time spent on a video of each type, at most an interval, [user, type].
        variance_s2: Its variance for a given video, averaged over videos, [user, type]. What
            differs from video to video is common to all members and left out.
    """

    plays: NDArray[np.float32]
    mean_s: Floats
    variance_s2: Floats


class DemandModel:
    """Demand of groups in closed form.

    Videos of a type are stood for by two average ones. The time at which a member begins the
    k-th video of the list is the sum of k - 1 views; it is taken as Gamma-distributed, with their
    mean and their variance given the videos, independent between members.

    Args:
        catalogue: The videos.
        interval_s: Length of an interval [s].
    Raises:
        OutOfRangeError: if the interval is not possible.
    Checked by tests/streaming/decision/test_demand.py against draws.
    """

    def __init__(self, catalogue: Catalogue, interval_s: float = 60.0) -> None:
        if not 1.0 <= interval_s <= 3600.0:
            raise OutOfRangeError(f"interval_s is {interval_s:g}; it must be 1 to 3600 s")
        self.catalogue, self.interval_s = catalogue, interval_s
        self.parts = self._parts()
        self.part_type = np.array([catalogue.kind[videos[0]] for videos in self.parts])
        sizes = np.array([len(videos) for videos in self.parts], np.float64)
        self.part_share = sizes / np.bincount(self.part_type, sizes)[self.part_type]
        longest = min(catalogue.hazard.shape[1] - 1, int(np.ceil(interval_s)))
        edges = np.array([s for s in _SECONDS if s < longest] + [longest])
        self._edges, self._width = edges, np.diff(edges).astype(np.float64)
        self._second = (edges[:-1] + edges[1:] - 1) / 2.0
        places = np.array(_PLACES, np.float64)
        self._place, self._places = (places[:-1] + places[1:] - 1) / 2.0, np.diff(places)
        tables = [self._of_haste(float(h)) for h in _HASTES]
        self._tables = tuple(np.stack([t[column] for t in tables]) for column in range(3))

    def _parts(self) -> list[Ints]:
        watched = self.catalogue.survival().sum(axis=1)
        parts = []
        for number in range(self.catalogue.num_types):
            videos = np.flatnonzero(self.catalogue.kind == number)
            order = videos[np.argsort(watched[videos], kind="stable")]
            parts += [p for p in np.array_split(order, min(_PARTS, len(order))) if len(p)]
        return parts

    def viewers(self, haste: Floats) -> Viewers:
        """Curves of users of some haste, [user], interpolated in ln(haste); 0.05 to 20."""
        place = np.interp(np.log(haste), np.log(_HASTES), np.arange(len(_HASTES)))
        low = np.minimum(place.astype(np.int64), len(_HASTES) - 2)
        part = place - low

        def between(table: Floats) -> Floats:
            share = part.reshape(-1, *[1] * (table.ndim - 1))
            return np.asarray(table[low] * (1 - share) + table[low + 1] * share)

        plays, mean, variance = (between(table) for table in self._tables)
        return Viewers(plays.astype(np.float32), mean, variance)

    def _of_haste(self, haste: float) -> tuple[Floats, Floats, Floats]:
        alive = self.catalogue.survival(haste)
        by_part = np.stack([alive[videos].mean(axis=0) for videos in self.parts])
        within = by_part[:, : self._edges[-1]]
        bins = np.add.reduceat(within, self._edges[:-1], axis=1) / self._width
        stays = np.where(
            np.isfinite(self.catalogue.hazard),
            np.exp(-haste * np.where(np.isfinite(self.catalogue.hazard), self.catalogue.hazard, 0)),
            0.0,
        )
        inside = np.isfinite(self.catalogue.hazard[:, 1:])
        middle = np.where(inside, (stays[:, :-1] + stays[:, 1:]) / 2, 0.0)
        at = np.arange(middle.shape[1]) + 0.5
        middle = np.where(at < self.interval_s, middle, 0.0)
        mean, square = middle.sum(axis=1), 2.0 * (at * middle).sum(axis=1)
        variance = np.maximum(square - mean**2, 0.0)
        kinds, count = self.catalogue.kind, np.bincount(self.catalogue.kind)
        return bins, np.bincount(kinds, mean) / count, np.bincount(kinds, variance) / count

    def demand_s(self, viewers: Viewers, group: Ints, mix: Floats) -> Floats:
        """Seconds of video that each group needs on average, [group].

        Args:
            viewers: Of all users.
            group: Of each user, [user]; -1 for none.
            mix: Share of each type in a group's list, [group, type].
        """
        from scipy.special import gammainc

        found = np.zeros(len(mix))
        users = np.flatnonzero(group >= 0)
        if not users.size:
            return found
        users = users[np.argsort(group[users], kind="stable")]
        own = group[users]
        share = mix[own]
        mean = (share * viewers.mean_s[users]).sum(axis=1)
        variance = np.maximum((share * viewers.variance_s2[users]).sum(axis=1), 1e-3)
        shape = (mean**2 / variance)[:, None] * (self._place - 1.0)
        left = np.maximum(self.interval_s - self._second, 0.0)
        reaches = np.ones((len(users), len(self._place), len(left)), np.float32)
        clock = (mean / variance)[:, None, None] * left
        reaches[:, 1:] = gammainc(shape[:, 1:, None], clock)
        reaches[..., left <= 0] = 0.0
        plays = reaches[:, :, None, :] * viewers.plays[users][:, None, :, :]
        first = np.flatnonzero(np.diff(own, prepend=-1))
        sent = 1.0 - np.multiply.reduceat(1.0 - plays, first, axis=0)
        seconds = np.einsum("gkpt,k,t->gp", sent, self._places, self._width)
        weight = mix[own[first]][:, self.part_type] * self.part_share
        found[own[first]] = (seconds * weight).sum(axis=1)
        return found


@dataclass(frozen=True, eq=False)
class Playback:
    """What a group really played in an interval.

    Attributes:
        demand_s: Seconds of video that had to be sent.
        video: The list, [place].
        views: Of the members, [member, place]; not begun where `begun` is False.
        begun: [member, place].
    """

    demand_s: float
    video: Ints
    views: Views
    begun: NDArray[np.bool_]


def play(
    catalogue: Catalogue, mix: Floats, haste: Floats, clock: Floats, pick: Floats, interval_s: float
) -> Playback:
    """A group plays its list for an interval.

    Args:
        catalogue: The videos.
        mix: Share of each type in the list, [type].
        haste: Of the members, [member].
        clock: Exponential draws, [member, place].
        pick: Uniform draws that choose the videos, [place, 2].
        interval_s: Length of the interval [s].
    """
    types = np.minimum(np.searchsorted(np.cumsum(mix), pick[:, 0]), len(mix) - 1)
    video = np.empty(len(pick), np.int64)
    for number in np.unique(types):
        of_type = np.flatnonzero(catalogue.kind == number)
        mine = types == number
        video[mine] = of_type[(pick[mine, 1] * len(of_type)).astype(np.int64)]
    views = draw_views(catalogue, video, haste[:, None], clock)
    start = np.cumsum(views.watched_s, axis=1) - views.watched_s
    left = interval_s - start
    wide = np.broadcast_to(video, left.shape)
    views = cut_views(catalogue, wide, views, left)
    begun = left > 0
    fetched = np.where(begun, views.fetched_s, 0)
    return Playback(float(fetched.max(axis=0).sum()), video, views, begun)
