"""Short videos: how long they are, how long people watch them, and their types."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError, ShapeError

NUM_TYPES = 8
MAX_DURATION_S = 120
_POINTS = 10  # of a retention curve, for its type
# Of 1,290 videos, from which the drawn catalogue is fitted: docs/streaming.md.
_LN_DURATION = (2.83, 0.84)
_TO_THE_END = (2.38, 3.64)
_END_AND_DURATION = -0.74
_LEAVING = (1.25, 1.98)
_LEAST_SHARE = 1e-4  # of viewers who stay: no curve falls to 0 before the end of its video


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Videos and the retention of an average viewer.

    Attributes:
        duration_s: Whole seconds, [video].
        hazard: Cumulative hazard H(t) = -ln S(t) of leaving before second t is played,
            [video, second]; 0 at t = 0, inf after the end. H(duration) is that of those who
            watch to the end.
        kind: Type of each video, from 0 on, [video].
    Raises:
        ShapeError, OutOfRangeError: if the columns do not fit together.
    """

    duration_s: Ints
    hazard: Floats
    kind: Ints

    def __post_init__(self) -> None:
        num = len(self.duration_s)
        if self.hazard.ndim != 2 or len(self.hazard) != num or self.kind.shape != (num,) or not num:
            raise ShapeError(
                f"duration_s has shape {self.duration_s.shape}, hazard {self.hazard.shape} and "
                f"kind {self.kind.shape}; they must be [video], [video, second] and [video]"
            )
        if not 1 <= self.duration_s.min() <= self.duration_s.max() < self.hazard.shape[1]:
            raise OutOfRangeError(
                f"durations are {self.duration_s.min()} to {self.duration_s.max()} s; they must be "
                f"1 to {self.hazard.shape[1] - 1} s"
            )
        played = np.arange(self.hazard.shape[1]) <= self.duration_s[:, None]
        if not (np.isfinite(self.hazard) == played).all() or (self.hazard[:, 0] != 0).any():
            raise OutOfRangeError("hazard must be 0 at first, finite to the end and inf after it")
        if ((self.hazard[:, 1:] < self.hazard[:, :-1]) & played[:, 1:]).any():
            raise OutOfRangeError("hazard falls somewhere; a cumulative hazard never does")

    @property
    def num_videos(self) -> int:
        """Number of videos."""
        return len(self.duration_s)

    @property
    def num_types(self) -> int:
        """Number of types."""
        return int(self.kind.max()) + 1

    @cached_property
    def hash(self) -> str:
        """SHA-256 of durations, types and curves; joins studies that share the catalogue."""
        digest = hashlib.sha256(np.ascontiguousarray(self.duration_s, "<i8").tobytes())
        digest.update(np.ascontiguousarray(self.kind, "<i8").tobytes())
        digest.update(np.ascontiguousarray(self.hazard, "<f8").tobytes())
        return digest.hexdigest()

    def survival(self, haste: float = 1.0) -> Floats:
        """Chance that each second is played by a viewer of some haste, [video, second].

        S(t)^haste; the sum over a video's seconds is what is fetched of it on average.
        """
        end = np.arange(self.hazard.shape[1]) >= self.duration_s[:, None]
        return np.where(end, 0.0, np.exp(-haste * np.where(end, 0.0, self.hazard)))

    def size_mb(self, rate_mbps: float) -> Floats:
        """Size of each video at a rate [MB], [video]."""
        return np.asarray(self.duration_s * rate_mbps / 8.0, np.float64)


def draw_catalogue(num_videos: int = 1000, seed: int = 0) -> Catalogue:
    """A catalogue drawn from what 1,290 real videos have in common.

    ln(duration) is Gaussian, the share that watches to the end has a Beta distribution and falls
    with duration, those who leave do so at a Beta-distributed part of the video.

    Args:
        num_videos: How many, at least as many as there are types.
        seed: Of the draws.
    Raises:
        OutOfRangeError: if there are too few videos.
    Source: fitted to the swipe times of Dashlet (Li et al., NSDI 2023), whose data are not
        redistributed; checked by tests/streaming/behaviour/test_catalogue.py.
    """
    from scipy.stats import beta, norm

    rng = np.random.Generator(np.random.PCG64([seed, 0x5643]))
    one, other = rng.standard_normal((2, num_videos))
    end = _END_AND_DURATION * one + np.sqrt(1 - _END_AND_DURATION**2) * other
    duration = np.rint(np.exp(_LN_DURATION[0] + _LN_DURATION[1] * one))
    duration = np.clip(duration, 3, MAX_DURATION_S).astype(np.int64)
    to_the_end = beta.ppf(norm.cdf(end), *_TO_THE_END)
    place = np.linspace(0.0, 1.0, 4001)
    left = beta.cdf(place, *_LEAVING)
    leave = [
        (1.0 - share) * np.diff(np.interp(np.arange(d + 1) / d, place, left))
        for d, share in zip(duration, to_the_end, strict=True)
    ]
    return catalogue_of([np.append(pmf, s) for pmf, s in zip(leave, to_the_end, strict=True)], seed)


def catalogue_of(leaving: list[Floats], seed: int = 0, num_types: int = NUM_TYPES) -> Catalogue:
    """A catalogue from distributions of the second in which people leave.

    Types are made, not given: k-means over retention curves resampled to 10 points, so that a
    type says something about swiping. They are numbered by their mean share of what is watched.

    Args:
        leaving: For each video P(leaves in second t), t = 0, 1, ..., and at last P(watches to the
            end); a video of d seconds has d + 1 numbers. What lies beyond 120 s is cut.
        seed: Of k-means.
        num_types: Types to make; fewer where fewer curves differ.
    Raises:
        OutOfRangeError: if a row is no distribution, or there are fewer videos than types.
    """
    if len(leaving) < num_types:
        raise OutOfRangeError(f"{len(leaving)} videos make no {num_types} types; give more videos")
    rows = [_cut(np.asarray(row, np.float64), number) for number, row in enumerate(leaving)]
    duration = np.array([len(row) - 1 for row in rows])
    hazard = np.full((len(rows), duration.max() + 1), np.inf)
    shape = np.empty((len(rows), _POINTS))
    for number, row in enumerate(rows):
        stays = np.maximum(1.0 - np.concatenate([[0.0], np.cumsum(row[:-1])]), _LEAST_SHARE)
        hazard[number, : len(row)] = -np.log(stays / stays[0])
        place = np.linspace(0, len(row) - 1, _POINTS)
        shape[number] = np.interp(place, np.arange(len(row)), stays)
    return Catalogue(duration, hazard, _types(shape, num_types, seed))


def _cut(row: Floats, number: int) -> Floats:
    if row.ndim != 1 or len(row) < 2 or not (row >= 0).all() or abs(row.sum() - 1) > 0.01:
        raise OutOfRangeError(
            f"video {number} has {row.shape} numbers that add up to {row.sum():.3f}; give two or "
            "more chances, 0 or more each, that add up to 1"
        )
    row = row / row.sum()
    if len(row) > MAX_DURATION_S + 1:
        row = np.append(row[:MAX_DURATION_S], row[MAX_DURATION_S:].sum())
    return row


def _types(shape: Floats, num_types: int, seed: int) -> Ints:
    from sklearn.cluster import KMeans

    num_types = min(num_types, len(np.unique(shape, axis=0)))
    labels = KMeans(num_types, n_init=4, random_state=seed).fit_predict(shape)
    watched = [shape[labels == k].mean() for k in range(num_types)]
    rank = np.argsort(np.argsort(watched, kind="stable"), kind="stable")
    return np.asarray(rank[labels], np.int64)
