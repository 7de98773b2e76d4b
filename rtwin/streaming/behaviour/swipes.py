"""When people swipe: proportional hazards, their posterior, and drawing from them.

A viewer of haste h watches a video until an exponential clock of rate h has run through the
video's cumulative hazard: S_h(t) = S(t)^h. So the exposure (the cumulative hazard that a viewer
has watched through) is exponential, and a Gamma prior on h stays Gamma.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError
from rtwin.streaming.behaviour.catalogue import Catalogue


@dataclass(frozen=True)
class Views:
    """Views of videos by one or several viewers, in their order.

    Attributes:
        watched_s: Time watched [s].
        fetched_s: Seconds of video that had to be there [s], whole.
        exposure: Cumulative hazard that was watched through.
        swiped: Whether the view ended in a swipe; False where it was censored, by the end of
            the video or of the time. All have one shape.
    """

    watched_s: Floats
    fetched_s: Ints
    exposure: Floats
    swiped: NDArray[np.bool_]


def draw_views(catalogue: Catalogue, video: ArrayLike, haste: ArrayLike, clock: ArrayLike) -> Views:
    """Views of videos by viewers with given clocks.

    Args:
        catalogue: The videos.
        video: Row of the catalogue, [...].
        haste: Of the viewer, above 0, [...].
        clock: Draws of an exponential distribution of mean 1, [...].
    Raises:
        OutOfRangeError: if a haste is not above 0.
    Checked by tests/streaming/behaviour/test_swipes.py.
    """
    video, haste, clock = np.broadcast_arrays(
        np.asarray(video, np.int64), np.asarray(haste, np.float64), np.asarray(clock, np.float64)
    )
    if not (haste > 0).all():
        raise OutOfRangeError(f"haste is {haste.min():g} at least; it must be above 0")
    stood = clock / haste
    duration = catalogue.duration_s[video]
    end = catalogue.hazard[video, duration]
    swiped = stood < end
    last = (catalogue.hazard[video] <= stood[..., None]).sum(axis=-1) - 1
    last = np.minimum(last, duration - 1)
    low, high = catalogue.hazard[video, last], catalogue.hazard[video, last + 1]
    part = np.where(high > low, (stood - low) / np.where(high > low, high - low, 1.0), 0.0)
    watched = np.where(swiped, last + np.clip(part, 0.0, 1.0), duration.astype(np.float64))
    return Views(
        watched, np.where(swiped, last + 1, duration), np.where(swiped, stood, end), swiped
    )


def cut_views(catalogue: Catalogue, video: Ints, views: Views, left_s: Floats) -> Views:
    """Views that the end of the time cuts; a cut one is censored.

    Args:
        catalogue: The videos.
        video: Row of the catalogue, [...].
        views: What would be watched.
        left_s: Time that is left when each view starts [s], [...]; 0 or less: it does not start.
    """
    left = np.maximum(left_s, 0.0)
    cut = views.watched_s > left
    second = np.minimum(np.floor(left).astype(np.int64), catalogue.duration_s[video] - 1)
    low, high = catalogue.hazard[video, second], catalogue.hazard[video, second + 1]
    stood = low + np.clip(left - second, 0.0, 1.0) * (high - low)
    return Views(
        np.where(cut, left, views.watched_s),
        np.where(cut, np.ceil(left).astype(np.int64), views.fetched_s),
        np.where(cut, stood, views.exposure),
        views.swiped & ~cut,
    )


@dataclass(frozen=True)
class HastePosterior:
    """What is known of a viewer's haste: a Gamma distribution.

    Attributes:
        shape: Prior shape plus swipes seen.
        rate: Prior rate plus exposure seen.
    Raises:
        OutOfRangeError: if one is not above 0.
    Checked by tests/streaming/behaviour/test_swipes.py.
    """

    shape: float = 4.0
    rate: float = 4.0

    def __post_init__(self) -> None:
        if not (self.shape > 0 and self.rate > 0):
            raise OutOfRangeError(f"shape is {self.shape:g}, rate {self.rate:g}; both must be > 0")

    @property
    def mean(self) -> float:
        """Expected haste."""
        return self.shape / self.rate

    def seen(self, swipes: float, exposure: float) -> "HastePosterior":
        """After so many swipes under so much exposure; censored views bring exposure alone."""
        if swipes < 0 or exposure < 0:
            raise OutOfRangeError(f"{swipes:g} swipes, exposure {exposure:g}; both must be >= 0")
        return HastePosterior(self.shape + swipes, self.rate + exposure)

    def forgetting(self, keep: float) -> "HastePosterior":
        """As if only a share of the views had been seen; the mean stays."""
        return HastePosterior(self.shape * keep, self.rate * keep)

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Central credible interval."""
        from scipy.stats import gamma

        tail = (1.0 - level) / 2
        low, high = gamma.ppf([tail, 1.0 - tail], self.shape, scale=1.0 / self.rate)
        return float(low), float(high)


def watched_test(catalogue: Catalogue, video: int, watched_s: ArrayLike, haste: float) -> float:
    """How well drawn views follow a video's curve: p value of Kolmogorov and Smirnov's test.

    Args:
        catalogue: The videos.
        video: Its row.
        watched_s: Times watched of those who swiped [s], [n].
        haste: Of the viewers.
    Returns:
        Chance of a distance as large, if the times do follow S(t)^haste given a swipe.
    """
    from scipy.stats import kstest

    seconds = np.arange(int(catalogue.duration_s[video]) + 1)
    hazard = haste * catalogue.hazard[video, seconds]
    total = 1.0 - np.exp(-hazard[-1])

    def cdf(t: Floats) -> Floats:
        return np.asarray((1.0 - np.exp(-np.interp(t, seconds, hazard))) / total)

    return float(kstest(np.asarray(watched_s, np.float64), cdf).pvalue)
