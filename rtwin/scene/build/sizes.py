"""Sizes that no town has: mostly a file in other units than metres."""

from rtwin.arrays import Floats

TALLEST_M = 1_000.0
WIDEST_M = 5_000.0
LEAST_M = 2.0


def absurd_sizes(names: list[str], sizes_m: Floats) -> tuple[list[str], list[str]]:
    """Objects that are too large to be buildings, and those of a town of toys.

    Args:
        names: The solid objects, without ground, water and plants.
        sizes_m: Their extent along x, y, z [m], [object, 3].
    Returns:
        Names of objects over a kilometre high or five wide; names of all objects if not
        one of them reaches two metres in any direction.
    """
    if not names:
        return [], []
    large = (sizes_m[:, 2] > TALLEST_M) | (sizes_m[:, :2].max(axis=1) > WIDEST_M)
    small = names if sizes_m.max() < LEAST_M else []
    return [name for name, odd in zip(names, large, strict=True) if odd], list(small)
