"""From updates of many, some of them lies, to one update.

Every rule is a pure function of updates [participant, weight]. None knows who lies; Krum
and Multi-Krum are told how many, rules with a root of trust are given the update that
clean data of the server's own would make, and what loss each update leaves on them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError

_SMALL = 1e-12
WEISZFELD_STEPS = 8
# Scale of the median absolute deviation and of a third of a biweight's reach.
MAD, REACH = 1.4826, 3.0
SURE = 2.0


@dataclass(frozen=True, eq=False)
class Trusted:
    """What the server knows besides the updates.

    Attributes:
        fakes: How many liars there may be.
        root: The update that the server's own clean data make, [weight].
        loss: From updates to the loss in each row of these data after each of them,
            [participant, row].
    """

    fakes: int = 0
    root: Floats | None = None
    loss: Callable[[Floats], Floats] | None = None


@dataclass(frozen=True)
class Rule:
    """A rule by name.

    Attributes:
        apply: From updates and what is trusted to one update.
        breakdown: Share of liars from which they can move it without bound.
        needs_root: Whether it needs clean data.
    """

    apply: Callable[[Floats, Trusted], Floats]
    breakdown: str
    needs_root: bool = False


def mean(updates: Floats) -> Floats:
    """The mean of all, [weight]."""
    return updates.mean(axis=0)


def median(updates: Floats) -> Floats:
    """The median of each weight, [weight]."""
    return np.median(updates, axis=0)


def trimmed_mean(updates: Floats, share: float) -> Floats:
    """The mean of each weight without its largest and smallest, [weight].

    Args:
        updates: [participant, weight].
        share: What is cut at each end, 0 to below 0.5.
    Raises:
        OutOfRangeError: if nothing would be left.
    Source: D. Yin et al., ICML 2018; checked by tests/federation/test_rules.py.
    """
    cut = int(np.floor(share * len(updates)))
    if not 0 <= 2 * cut < len(updates):
        raise OutOfRangeError(
            f"share is {share:g}; of {len(updates)} updates less than half may be cut at each end"
        )
    return np.sort(updates, axis=0)[cut : len(updates) - cut].mean(axis=0)


def krum_scores(updates: Floats, fakes: int) -> Floats:
    """Sum of the squared distances to each one's nearest n - f - 2 others, [participant]."""
    square = (updates**2).sum(axis=1)
    apart = np.maximum(square[:, None] + square - 2.0 * updates @ updates.T, 0.0)
    nearest = max(len(updates) - fakes - 2, 1)
    return np.sort(apart, axis=1)[:, 1 : nearest + 1].sum(axis=1)


def krum(updates: Floats, fakes: int) -> Floats:
    """The update that lies nearest to most others: one of them, [weight].

    Source: P. Blanchard et al., NeurIPS 2017; checked by tests/federation/test_rules.py.
    """
    return updates[int(np.argmin(krum_scores(updates, fakes)))].copy()


def multi_krum(updates: Floats, fakes: int) -> Floats:
    """The mean of the n - f updates with the best Krum scores, [weight]."""
    best = np.argsort(krum_scores(updates, fakes), kind="stable")[: max(len(updates) - fakes, 1)]
    return updates[best].mean(axis=0)


def geometric_median(updates: Floats, steps: int = WEISZFELD_STEPS) -> Floats:
    """The point with the least sum of distances, by Weiszfeld's steps from the median, [weight].

    Source: K. Pillutla et al., IEEE T-SP 2022; checked by tests/federation/test_rules.py.
    """
    point = np.median(updates, axis=0)
    for _ in range(steps):
        weight = 1.0 / np.maximum(np.linalg.norm(updates - point, axis=1), 1e-9)
        point = weight @ updates / weight.sum()
    return point


def fl_trust(updates: Floats, root: Floats) -> Floats:
    """Updates weighted by their cosine to a trusted one and brought to its length, [weight].

    Source: X. Cao et al., NDSS 2021; checked by tests/federation/test_rules.py.
    """
    length = np.linalg.norm(updates, axis=1)
    own = float(np.linalg.norm(root))
    trust = np.maximum(updates @ root / np.maximum(length * own, _SMALL), 0.0)
    if trust.sum() < _SMALL:
        return np.zeros_like(root)
    scaled = updates * (own / np.maximum(length, _SMALL))[:, None]
    return trust @ scaled / trust.sum()


def interquartile(updates: Floats, reach: float = 1.5) -> Floats:
    """The mean of each weight within the quartiles' fences: the article's TID, [weight]."""
    low, high = np.quantile(updates, (0.25, 0.75), axis=0)
    fence = reach * (high - low)
    inside = (updates >= low - fence) & (updates <= high + fence)
    return np.where(inside, updates, 0.0).sum(axis=0) / np.maximum(inside.sum(axis=0), 1)


def within_one_deviation(updates: Floats) -> Floats:
    """The mean of each weight within a standard deviation of its mean: TID, stricter, [weight]."""
    middle, spread = updates.mean(axis=0), updates.std(axis=0)
    inside = np.abs(updates - middle) <= spread * (1.0 + 1e-12)
    return np.where(inside, updates, 0.0).sum(axis=0) / np.maximum(inside.sum(axis=0), 1)


def biweight(updates: Floats) -> Floats:
    """Tukey's biweight about the median, scaled by its absolute deviation, [weight].

    Source: Mosteller and Tukey 1977; checked by tests/federation/test_rules.py.
    """
    middle = np.median(updates, axis=0)
    scale = MAD * np.median(np.abs(updates - middle), axis=0)
    off = (updates - middle) / np.maximum(REACH * scale, _SMALL)
    weight = np.where(np.abs(off) < 1.0, (1.0 - off**2) ** 2, 0.0)
    return middle + (weight * (updates - middle)).sum(axis=0) / np.maximum(
        weight.sum(axis=0), _SMALL
    )


def least_loss(updates: Floats, loss: Callable[[Floats], Floats]) -> Floats:
    """The half of the updates that leave the least loss on clean data, [kept, weight]."""
    return _ranked(updates, loss)[: (len(updates) + 1) // 2]


def root_bound(updates: Floats, root: Floats, loss: Callable[[Floats], Floats]) -> Floats:
    """The mean of as many updates as clean data do not tell from the best, [weight].

    Updates are ranked by the loss that each leaves. Of the means of the best one, two, ...
    and of the clean update alone, the one with the least loss is the mark; the mean of most
    updates whose loss is within SURE standard errors of it is taken. Whoever sent them and
    whatever they know, the model stays as good on clean data as these can tell.

    Source: the one-standard-error rule (L. Breiman et al., CART, 1984) on paired losses;
    checked by tests/federation/test_rules.py.
    """
    ranked = _ranked(updates, loss)
    means = np.cumsum(ranked, axis=0) / np.arange(1, len(ranked) + 1)[:, None]
    candidates = np.concatenate([root[None], means])
    rows = _finite(loss(candidates))
    over = rows - rows[int(np.argmin(rows.mean(axis=1)))]
    error = over.std(axis=1) / np.sqrt(rows.shape[1])
    close = np.flatnonzero(over.mean(axis=1) <= SURE * error)
    return candidates[int(close[-1])].copy()


def _ranked(updates: Floats, loss: Callable[[Floats], Floats]) -> Floats:
    return updates[np.argsort(_finite(loss(updates)).mean(axis=1), kind="stable")]


def _finite(loss: Floats) -> Floats:
    return np.where(np.isfinite(loss), np.minimum(loss, 1e30), 1e30)


def _root(trusted: Trusted) -> tuple[Floats, Callable[[Floats], Floats]]:
    if trusted.root is None or trusted.loss is None:
        raise OutOfRangeError(
            "this rule needs a clean root set; give one, or take a rule without (biweight)"
        )
    return trusted.root, trusted.loss


def _trust_of_half(updates: Floats, trusted: Trusted) -> Floats:
    root, loss = _root(trusted)
    return fl_trust(least_loss(updates, loss), root)


RULES: dict[str, Rule] = {
    "mean": Rule(lambda u, t: mean(u), "0"),
    "median": Rule(lambda u, t: median(u), "1/2"),
    "trimmed 20 %": Rule(lambda u, t: trimmed_mean(u, 0.2), "1/5"),
    "trimmed 40 %": Rule(lambda u, t: trimmed_mean(u, 0.4), "2/5"),
    "Krum": Rule(lambda u, t: krum(u, t.fakes), "1/2 - 1/n"),
    "Multi-Krum": Rule(lambda u, t: multi_krum(u, t.fakes), "1/2 - 1/n"),
    "geometric median": Rule(lambda u, t: geometric_median(u), "1/2"),
    "TID, quartiles": Rule(lambda u, t: interquartile(u), "1/4"),
    "TID, 1 sd": Rule(lambda u, t: within_one_deviation(u), "1/2"),
    "biweight": Rule(lambda u, t: biweight(u), "1/2"),
    "FLTrust": Rule(lambda u, t: fl_trust(u, _root(t)[0]), "1, by the root set", True),
    "least loss + FLTrust": Rule(_trust_of_half, "1, by the root set", True),
    "root bound": Rule(lambda u, t: root_bound(u, *_root(t)), "1, by the root set", True),
}


def default_rule(has_root: bool) -> str:
    """The rule to take: with clean data of the server's own, or without."""
    return "root bound" if has_root else "biweight"
