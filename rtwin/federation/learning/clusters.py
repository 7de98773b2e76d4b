"""Stations that belong together: near each other, and busy at the same hours of the week."""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError

WEEK_H = 168


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which station belongs to which cluster, and who speaks for each.

    Attributes:
        of_station: [station].
        head: The member nearest to each cluster's middle, [cluster].
    """

    of_station: Ints
    head: Ints

    @property
    def count(self) -> int:
        """Number of clusters."""
        return len(self.head)

    @property
    def sizes(self) -> Ints:
        """Members of each, [cluster]."""
        return np.bincount(self.of_station, minlength=self.count)

    def members(self, cluster: int) -> Ints:
        """Stations of one cluster."""
        return np.flatnonzero(self.of_station == cluster)


def profiles_of(z: Floats) -> Floats:
    """Mean week of each station, of length 1, [station, hour of the week].

    Args:
        z: Traffic, [hour, station]; less than a week leaves hours at 0.
    """
    hour = np.arange(len(z)) % WEEK_H
    total = np.zeros((WEEK_H, z.shape[1]))
    np.add.at(total, hour, z)
    mean = (total / np.maximum(np.bincount(hour, minlength=WEEK_H), 1)[:, None]).T
    return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)


def features_of(position_m: Floats, profiles: Floats) -> Floats:
    """Place over the extent, and profile, side by side, [station, feature]."""
    extent = max(float(np.ptp(position_m, axis=0).max()), 1e-9)
    return np.concatenate([position_m / extent, profiles], axis=1)


def make_clusters(position_m: Floats, profiles: Floats, count: int, seed: int = 1) -> Clusters:
    """Clusters of stations by k-means on place and profile.

    Args:
        position_m: [station, 2].
        profiles: From profiles_of.
        count: How many clusters.
        seed: Of the k-means.
    Raises:
        OutOfRangeError: if there are fewer stations than clusters.
    """
    if not 1 <= count <= len(position_m):
        raise OutOfRangeError(f"clusters is {count}; it must be 1 to {len(position_m)} (stations)")
    from sklearn.cluster import KMeans

    features = features_of(position_m, profiles)
    found = KMeans(count, n_init=10, random_state=seed).fit(features)
    away = np.linalg.norm(features - found.cluster_centers_[found.labels_], axis=1)
    head = [
        int(min(np.flatnonzero(found.labels_ == k), key=lambda i: (away[i], i)))
        for k in range(count)
    ]
    return Clusters(found.labels_.astype(np.int64), np.array(head, np.int64))


def have_drifted(before: Floats, now: Floats, limit: float = 0.35) -> bool:
    """Whether profiles changed so much that clusters should be made anew.

    Args:
        before, now: Profiles, [station, hour of the week].
        limit: Median distance of unit profiles that is still the same week.
    """
    return bool(np.median(np.linalg.norm(before - now, axis=1)) > limit)
