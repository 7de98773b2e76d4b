"""The streaming study's viewers as clients of caches: the same people, videos and stations."""

import numpy as np

from rtwin.arrays import Ints
from rtwin.caching.demand.drawn import zipf
from rtwin.caching.demand.reach import Reach, requests_at
from rtwin.caching.demand.trace import Catalogue, RequestTrace
from rtwin.errors import OutOfRangeError
from rtwin.streaming import Catalogue as Videos
from rtwin.streaming import Population
from rtwin.streaming.behaviour import draw_views

_LEAST_S = 0.5  # between two requests of a viewer: nobody swipes faster


def viewers_at(
    videos: Videos,
    people: Population,
    reach: Reach,
    *,
    seed: int = 0,
    exponent: float = 0.9,
    rate_mbps: float = 4.0,
) -> RequestTrace:
    """What people who swipe through videos ask of the stations along their way.

    A viewer watches until a swipe or the end, then asks for the next video: of a type by own
    taste, within it by a Zipf law. Prefetching by swipes and caching by requests can so be
    compared on one network: users, link trace and catalogue are those of the streaming study,
    and the hashes say so.

    Args:
        videos: The streaming study's catalogue.
        people: Its viewers, one for each user of the reach.
        reach: Where they are, from the link trace of both studies.
        seed: Of the draws.
        exponent: Of the Zipf law within a type.
        rate_mbps: Of the version that is stored, for sizes [Mbit/s].
    Raises:
        OutOfRangeError: if there are fewer users or more than viewers.
    Checked by tests/caching/demand/test_viewing.py.
    """
    num_users = reach.first.shape[1]
    if people.num_users != num_users:
        raise OutOfRangeError(f"{people.num_users} viewers for {num_users} users of the link trace")
    rng = np.random.default_rng([seed, 0x5645])
    ranked = [np.flatnonzero(videos.kind == kind) for kind in range(people.taste.shape[1])]
    held = np.array([len(own) > 0 for own in ranked])
    end = float(reach.time_s[-1])
    client: list[int] = []
    item: list[int] = []
    time_s: list[float] = []
    for user in range(num_users):
        now = float(reach.time_s[0]) + rng.uniform(0.0, 5.0)
        taste = np.where(held, people.taste[user], 0.0)
        while now < end:
            own = ranked[rng.choice(len(taste), p=taste / taste.sum())]
            video = int(rng.choice(own, p=zipf(len(own), exponent)))
            view = draw_views(videos, [video], people.haste[user], rng.exponential())
            client.append(user)
            item.append(video)
            time_s.append(now)
            now += max(float(view.watched_s[0]), _LEAST_S)
    order: Ints = np.argsort(time_s, kind="stable")
    catalogue = Catalogue(videos.kind, videos.size_mb(rate_mbps), videos.hash)
    asked = np.array(client, np.int64)[order], np.array(item, np.int64)[order]
    return requests_at(*asked, np.array(time_s)[order], reach, catalogue)
