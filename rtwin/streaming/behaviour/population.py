"""People who watch: what they like and how hasty they are."""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.streaming.behaviour.catalogue import NUM_TYPES


@dataclass(frozen=True, eq=False)
class Population:
    """What is true of users; nobody sees it.

    Attributes:
        taste: Share of each type in what a user would choose, [user, type].
        haste: Hazard over that of an average viewer, [user].
    """

    taste: Floats
    haste: Floats

    def __post_init__(self) -> None:
        if self.taste.ndim != 2 or self.haste.shape != self.taste.shape[:1]:
            raise ShapeError(
                f"taste has shape {self.taste.shape}, haste {self.haste.shape}; they must be "
                "[user, type] and [user]"
            )
        if not ((self.haste > 0).all() and np.allclose(self.taste.sum(axis=1), 1.0)):
            raise OutOfRangeError("haste must be above 0 and each user's taste add up to 1")

    @property
    def num_users(self) -> int:
        """Number of users."""
        return len(self.haste)


def draw_population(
    num_users: int,
    seed: int,
    *,
    num_types: int = NUM_TYPES,
    archetypes: int = 6,
    concentration: float = 12.0,
    haste_sd: float = 0.5,
) -> Population:
    """Users around some archetypes, of log-normal haste.

    Args:
        num_users: How many.
        seed: Of the draws.
        num_types: Types of video.
        archetypes: Tastes around which users lie; each archetype likes few types.
        concentration: Of the Dirichlet distribution around an archetype.
        haste_sd: Standard deviation of ln(haste).
    Raises:
        OutOfRangeError: if a number is not possible.
    """
    if num_users < 1 or archetypes < 1 or not (concentration > 0 and haste_sd >= 0):
        raise OutOfRangeError(
            f"{num_users} users around {archetypes} archetypes, concentration {concentration:g}, "
            f"haste_sd {haste_sd:g}; give 1 or more, above 0 and 0 or more"
        )
    rng = np.random.Generator(np.random.PCG64([seed, 0x506F]))
    centre = rng.dirichlet(np.full(num_types, 0.3), archetypes)
    own = rng.integers(archetypes, size=num_users)
    taste = np.stack([rng.dirichlet(concentration * centre[k] + 0.02) for k in own])
    return Population(taste, np.exp(haste_sd * rng.standard_normal(num_users)))
