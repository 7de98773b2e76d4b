"""Whose model is refitted, taken over from another user, or left as it is.

A user's device judges the model that the twin has of it: how surprised it is by what the user
did. While that stays within the band of earlier surprises nothing is sent. Else the user reports.
Where another user's model explains the report far better than its own, that one is taken over, and
refitted until the user has reported enough; else its own is refitted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.streaming.behaviour import (
    Catalogue,
    HastePosterior,
    Population,
    draw_population,
    draw_views,
    overlap,
)

STAY, TRANSFER, REFIT = "stay", "take over", "refit"
POLICIES = ("never", "refit all", "take over all", "as surprise says")
VIEW_BYTES = 8  # video, second of leaving
BAND = 0.9
ODDS = 20.0  # by which the best of all other models must explain what a user did better
YOUNG = 40  # likes since a model was taken over, below which every report is wanted
VIEWS, LIKES = 5, 10  # of a user in an interval
_PRIOR, _LIKE_PRIOR, _STRENGTH = HastePosterior(), 0.5, 6.0


@dataclass(frozen=True, eq=False)
class Known:
    """Models of some users: counts that stand for what was seen of each.

    Attributes:
        counts: Likes by type, [user, type].
        swipes, exposure: Of their views, [user].
    """

    counts: Floats
    swipes: Floats
    exposure: Floats

    @property
    def taste(self) -> Floats:
        """Expected shares of types, [user, type]."""
        total = self.counts + _LIKE_PRIOR
        return np.asarray(total / total.sum(axis=1, keepdims=True))

    @property
    def haste(self) -> Floats:
        """Expected haste, [user]."""
        return np.asarray((_PRIOR.shape + self.swipes) / (_PRIOR.rate + self.exposure))

    @classmethod
    def nothing(cls, num_users: int, num_types: int) -> "Known":
        """The prior of every user."""
        return cls(np.zeros((num_users, num_types)), *np.zeros((2, num_users)))

    def plus(self, later: "Known", keep: float = 1.0) -> "Known":
        """With what came later; what was known counts for a share of before."""
        return Known(
            keep * self.counts + later.counts,
            keep * self.swipes + later.swipes,
            keep * self.exposure + later.exposure,
        )

    def where(self, users: Bools, other: "Known") -> "Known":
        """With other models for some users, [user]."""
        return Known(
            np.where(users[:, None], other.counts, self.counts),
            np.where(users, other.swipes, self.swipes),
            np.where(users, other.exposure, self.exposure),
        )

    def rows(self, users: Ints) -> "Known":
        """Those of some users."""
        return Known(self.counts[users], self.swipes[users], self.exposure[users])

    def scaled(self, likes: float) -> "Known":
        """As sure as of so many likes at most."""
        share = np.minimum(1.0, likes / np.maximum(self.counts.sum(axis=1), 1e-9))
        return Known(self.counts * share[:, None], self.swipes * share, self.exposure * share)


def behave(
    catalogue: Catalogue, people: Population, views: int, likes: int, rng: np.random.Generator
) -> Known:
    """What users do: views of videos by chance, and types that they like."""
    shape = people.num_users, views
    video = rng.integers(catalogue.num_videos, size=shape)
    seen = draw_views(catalogue, video, people.haste[:, None], rng.exponential(size=shape))
    counts = rng.multinomial(likes, people.taste).astype(np.float64)
    return Known(counts, seen.swiped.sum(axis=1).astype(float), seen.exposure.sum(axis=1))


def likelihood(known: Known, did: Known) -> Floats:
    """ln of the chance of what users did under each model, up to their own terms, [user, model]."""
    haste = known.haste
    swiped = did.swipes[:, None] * np.log(haste) - did.exposure[:, None] * haste
    return np.asarray(did.counts @ np.log(known.taste).T + swiped)


def surprise(known: Known, did: Known) -> Floats:
    """How unlikely it was what each user did, for each thing it did [nat], [user]."""
    liked = (did.counts * np.log(known.taste)).sum(axis=1)
    swiped = did.swipes * np.log(known.haste) - did.exposure * known.haste
    num = did.counts.sum(axis=1) + did.swipes
    return np.asarray(-(liked + swiped) / np.maximum(num, 1.0))


def nearest(known: Known, did: Known, but: Ints | None = None) -> Ints:
    """The model under which what each user did is likeliest, [user].

    Args:
        known: Models to choose from.
        did: What the users did.
        but: A model that each user may not take, its own, [user].
    """
    score = likelihood(known, did)
    if but is not None:
        score[np.arange(len(score)), but] = -np.inf
    return np.asarray(score.argmax(axis=1), np.int64)


def errors(known: Known, people: Population) -> tuple[float, float]:
    """Of taste (1 - overlap) and of ln(haste), means over users."""
    taste = 1.0 - overlap(known.taste, people.taste)
    return float(taste.mean()), float(abs(np.log(known.haste / people.haste)).mean())


def new_users(
    catalogue: Catalogue, swipes: Sequence[int], seed: int, users: int = 60
) -> list[dict[str, Any]]:
    """Models of users of whom little is known, by each way to make one: rows of a table.

    Args:
        catalogue: The videos.
        swipes: How many views and likes are known of a new user.
        seed: Of people and what they do.
        users: Users that are known well; as many are new.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 0x7570]))
    people = draw_population(2 * users, seed, num_types=catalogue.num_types)
    old = Population(people.taste[:users], people.haste[:users])
    new = Population(people.taste[users:], people.haste[users:])
    known = behave(catalogue, old, 100, 100, rng)
    size = 8.0 * (catalogue.num_types + 2)
    rows: list[dict[str, Any]] = []
    for count in swipes:
        did = behave(catalogue, new, count, count, rng)
        taken = known.rows(nearest(known, did)).scaled(_STRENGTH)
        sent = float(count * VIEW_BYTES)
        search = float(users * (2 * catalogue.num_types + 4))
        fit = float(3 * catalogue.num_types + 2)
        made = {
            STAY: (Known.nothing(users, catalogue.num_types), 0.0, 0.0),
            REFIT: (did, sent, fit),
            TRANSFER: (taken, sent + size, search),
            f"{TRANSFER}, then {REFIT}": (taken.plus(did), sent + size, search + fit),
        }
        for name, (model, moved, flops) in made.items():
            taste, haste = errors(model, new)
            rows.append(
                {"swipes": count, "model": name, "seed": seed, "error of taste": taste}
                | {"error of ln haste": haste, "bytes": moved, "FLOPs": flops}
            )
    return rows


def updated(
    catalogue: Catalogue, policy: str, seed: int, users: int = 60, intervals: int = 24
) -> dict[str, Any]:
    """A policy over intervals in which a third of the users becomes other people halfway.

    Returns:
        A row: errors, shares of users by what was done, bytes and FLOPs of a user and interval.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 0x7571]))
    people = draw_population(users, seed, num_types=catalogue.num_types)
    other = draw_population(users, seed + 1000, num_types=catalogue.num_types)
    changed = np.arange(users) < users // 3
    later = Population(
        np.where(changed[:, None], other.taste, people.taste),
        np.where(changed, other.haste, people.haste),
    )
    known = behave(catalogue, people, 8 * VIEWS, 8 * LIKES, rng)
    own = np.full(users, 8.0 * LIKES)  # likes that a model rests on
    size, found, done = 8.0 * (catalogue.num_types + 2), [], {STAY: 0, TRANSFER: 0, REFIT: 0}
    moved = flops = 0.0
    band: list[Floats] = []
    for interval in range(intervals):
        now = people if interval < intervals // 2 else later
        did = behave(catalogue, now, VIEWS, LIKES, rng)
        odd = surprise(known, did)
        take, fit = np.zeros((2, users), bool)
        if policy == "refit all":
            fit[:] = True
        elif policy == "take over all":
            take[:] = True
        elif policy == "as surprise says" and len(band) >= 3:
            out = (odd > np.quantile(np.stack(band), BAND, axis=0)) | (own < YOUNG)
            score = likelihood(known, did)
            better = score.max(axis=1) - score.diagonal()
            take = out & (better > np.log(ODDS * users))
            fit = out & ~take
            own[take] = 0.0
        band = [*band, odd][-8:]
        near = known.rows(nearest(known, did, np.arange(users))).scaled(_STRENGTH).plus(did)
        known = known.where(fit, known.plus(did, 0.9)).where(take, near)
        own += LIKES * (take | fit)
        for name, mask in ((TRANSFER, take), (REFIT, fit), (STAY, ~(take | fit))):
            done[name] += int(mask.sum())
        sent = VIEW_BYTES * (VIEWS + LIKES)
        moved += float(sent * (take | fit).sum() + size * take.sum())
        flops += float(users * (2 * catalogue.num_types + 4) * take.sum())
        flops += float((3 * catalogue.num_types + 2) * fit.sum())
        if interval >= intervals // 2:
            found.append(errors(known, now))
    total = users * intervals
    taste, haste = np.mean(found, axis=0)
    return (
        {"policy": policy, "seed": seed, "error of taste": float(taste)}
        | {"error of ln haste": float(haste)}
        | {name: count / total for name, count in done.items()}
        | {"bytes": moved / total, "FLOPs": flops / total}
    )
