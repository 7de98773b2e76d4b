"""Liars: what fake participants send, from nothing known to all known.

Every attack gives the updates of the fakes, [fake, weight], from what its kind of
attacker can see. All fakes of a round send much the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from rtwin.arrays import Floats
from rtwin.federation.defence.rules import SURE

MPAF_FACTOR = 1e6
FTI_START = 10.0
EDGE = 3.0 / np.sqrt(5.0)
_SMALL = 1e-12


@dataclass(frozen=True, eq=False)
class Scene:
    """What there is to see in a round.

    Attributes:
        weights: The global model, [weight].
        base: A poor model that minimum-knowledge attackers pull towards, [weight].
        benign: Updates of the honest, [participant, weight].
        fakes: How many lie.
        root: The update of the server's own clean data, where it has some, [weight].
        loss: As of Trusted, for attackers who have these data as well.
    """

    weights: Floats
    base: Floats
    benign: Floats
    fakes: int
    root: Floats | None = None
    loss: Callable[[Floats], Floats] | None = None


@dataclass
class Attacker:
    """An attack in progress: some remember what came of their last round.

    Attributes:
        attack: Of ATTACKS.
        factor, step, distance: Of the injection that searches its own factor.
    """

    attack: str
    factor: float = FTI_START
    step: float = FTI_START
    distance: float = field(default=-1.0)

    def updates(self, scene: Scene) -> Floats:
        """The fakes' updates of a round, [fake, weight]; none for no fakes."""
        if scene.fakes == 0 or self.attack == "none":
            return np.zeros((0, len(scene.weights)))
        return np.tile(ATTACKS[self.attack](scene, self), (scene.fakes, 1))


def mpaf(scene: Scene, attacker: Attacker | None = None, factor: float = MPAF_FACTOR) -> Floats:
    """Pull towards the poor model with all force, [weight].

    Source: X. Cao and N. Gong, CVPR workshops 2022 (MPAF); checked by
    tests/federation/test_attacks.py.
    """
    return factor * (scene.base - scene.weights)


def injection(scene: Scene, attacker: Attacker) -> Floats:
    """The traffic injection of the article (TPI, also FTI): MPAF with a factor that it searches.

    The factor grows by half of a step if the global model moved away from the poor one's
    opposite, and shrinks otherwise; the step is halved every time. It ends near 20.
    Source: arXiv 2404.14389, words; the steps are rebuilt; checked by
    tests/federation/test_attacks.py.
    """
    away = float(np.linalg.norm(scene.weights - scene.base))
    if attacker.distance >= 0.0:
        grew = away > attacker.distance
        attacker.factor += (0.5 if grew else -0.5) * attacker.step
        attacker.step /= 2.0
    attacker.distance = away
    return attacker.factor * (scene.base - scene.weights)


def a_little_is_enough(scene: Scene, attacker: Attacker | None = None) -> Floats:
    """As far from the mean as the crowd's majority still covers, [weight].

    Source: G. Baruch et al., NeurIPS 2019; checked by tests/federation/test_attacks.py.
    """
    from scipy.stats import norm

    count = len(scene.benign) + scene.fakes
    supporters = count // 2 + 1 - scene.fakes
    share = (count - scene.fakes - supporters) / max(count - scene.fakes, 1)
    reach = float(norm.ppf(min(max(share, 1e-6), 1.0 - 1e-6)))
    return scene.benign.mean(axis=0) - reach * scene.benign.std(axis=0)


def min_max(scene: Scene, attacker: Attacker | None = None) -> Floats:
    """Against the mean as far as no honest one is farther from another, [weight].

    Source: V. Shejwalkar and A. Houmansadr, NDSS 2021; checked by
    tests/federation/test_attacks.py.
    """
    middle = scene.benign.mean(axis=0)
    along = -np.sign(middle) * scene.benign.std(axis=0)
    square = (scene.benign**2).sum(axis=1)
    apart = square[:, None] + square - 2.0 * scene.benign @ scene.benign.T
    limit = float(np.sqrt(max(apart.max(), 0.0)))
    low, high = 0.0, 100.0
    for _ in range(30):
        factor = (low + high) / 2.0
        reach = np.linalg.norm(scene.benign - (middle + factor * along), axis=1).max()
        low, high = (factor, high) if reach <= limit else (low, factor)
    return middle + low * along


def edge(scene: Scene, attacker: Attacker | None = None) -> Floats:
    """Where a biweight is pulled hardest, against the mean: knows rule and updates, [weight]."""
    middle = np.median(scene.benign, axis=0)
    scale = 1.4826 * np.median(np.abs(scene.benign - middle), axis=0)
    return middle - np.sign(scene.benign.mean(axis=0)) * EDGE * scale


def root_aware(scene: Scene, attacker: Attacker | None = None) -> Floats:
    """Half along the clean update, half across it and against the honest: knows the root set.

    Of all directions with a cosine c to the root's update, weight c and harm sqrt(1 - c^2),
    the one at 45 degrees does most against FLTrust. Without a root it is min-max.
    """
    if scene.root is None:
        return min_max(scene)
    length = max(float(np.linalg.norm(scene.root)), _SMALL)
    root = scene.root / length
    across = -(scene.benign.mean(axis=0) - (scene.benign.mean(axis=0) @ root) * root)
    norm = float(np.linalg.norm(across))
    if norm < _SMALL:
        return length * root
    return length * (root + across / norm) / np.sqrt(2.0)


def bound_aware(scene: Scene, attacker: Attacker | None = None) -> Floats:
    """Min-max's direction, as far as clean data cannot tell: knows root_bound and its data.

    Its loss lies SURE standard errors above that of the honest mean. Without a root it is
    min-max.
    """
    if scene.loss is None or scene.root is None:
        return min_max(scene)
    middle = scene.benign.mean(axis=0)
    along = -np.sign(middle) * scene.benign.std(axis=0)
    here = scene.loss(middle[None])[0]
    low, high = 0.0, 100.0
    for _ in range(20):
        factor = (low + high) / 2.0
        over = scene.loss((middle + factor * along)[None])[0] - here
        close = over.mean() <= SURE * over.std() / np.sqrt(len(over))
        low, high = (factor, high) if close else (low, factor)
    return middle + low * along


ATTACKS: dict[str, Callable[[Scene, Attacker], Floats]] = {
    "MPAF": mpaf,
    "FTI": injection,
    "ALIE": a_little_is_enough,
    "min-max": min_max,
    "edge": edge,
    "root-aware": root_aware,
    "bound-aware": bound_aware,
}
# What each of them must know; the adaptive ones know the honest updates and the rule.
KNOWS = {
    "MPAF": "nothing",
    "FTI": "the global model",
    "ALIE": "honest updates",
    "min-max": "honest updates",
    "edge": "honest updates and the rule",
    "root-aware": "honest updates, FLTrust and the root set",
    "bound-aware": "honest updates, the root bound and the root set",
}
