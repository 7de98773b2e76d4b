"""Links and cells that no path reaches, and why that is likely so."""

from typing import Any

import numpy as np

from rtwin.arrays import Bools


def darkness(
    is_dark: Bools, recipe: dict[str, Any], what: str, height_m: Any = None, option: bool = True
) -> str:
    """One line on what has no path, with the likely reason; empty where everything has one.

    Args:
        is_dark: Whether no transmitter's paths arrive, [..., place, transmitter].
        recipe: What was traced, as files hold it.
        what: "links" or "cells".
        height_m: Heights of the places over the lowest ground of a scene at z = 0 [m],
            [..., place]; default: unknown.
        option: Whether the command that made it has an option for diffraction.
    Returns:
        Counts, and what to change.
    Source: checked by tests/dataset/reading/test_dark.py.
    """
    num, dark = is_dark.size, int(np.count_nonzero(is_dark))
    if not dark:
        return ""
    solver = recipe.get("solver", {})
    percent = 100 * dark / num
    share = f"{dark} of {num} {what} ({percent:.{0 if percent >= 1 else 1}f} %) have no path"
    if not solver.get("diffraction", False):
        return (
            f"{share}: diffraction is off, which leaves deep shadow dark; "
            "set solver.diffraction = true" + (", or --diffraction" if option else " in the recipe")
        )
    lost = is_dark.all(axis=-1)
    reasons = []
    below = 0
    if height_m is not None:
        below = int(np.count_nonzero(lost & (np.asarray(height_m) < 0)))
    if below:
        reasons.append(f"{below} places lie below z = 0, perhaps below ground")
    inside = int(np.count_nonzero(lost)) - below
    if inside:
        reasons.append(
            f"{inside} places have none to any transmitter, perhaps inside or under a roof"
        )
    rest = dark - int(np.count_nonzero(lost)) * is_dark.shape[-1]
    if rest:
        depth = min(int(solver.get("max_diffractions", 1)), int(solver.get("max_depth", 3)))
        reasons.append(
            f"{rest} are cut off from some transmitters: try more rays, more depth, or more "
            f"than {depth} diffractions"
        )
    return f"{share}: {'; '.join(reasons)}"
