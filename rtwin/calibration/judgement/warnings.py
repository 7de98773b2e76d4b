"""Warnings about a campaign: numbers that cannot mean what they are said to mean."""

from typing import Any

import numpy as np

from rtwin.calibration.campaign import Measurements
from rtwin.calibration.judgement.place_checks import place_warnings
from rtwin.calibration.judgement.scores import TWIN
from rtwin.calibration.judgement.value_checks import value_warnings

IMPOSSIBLE_SHARE = 0.05
EXPLAINED = 0.15
LEAST_COVERAGE = 0.85
UNTRUSTED_SHARE, UNTRUSTED_ROWS = 0.05, 5  # of a source, from which it is named
_WORSE = 1.5  # times the median of the others' errors
_WORSE_DB = 2.0  # and so much more


def impossible_share(data: Measurements) -> float:
    """Share of the raw rows that were set aside because they are above free space."""
    impossible = data.set_aside.get("above free space", 0)
    total = int(data.count.sum()) + sum(data.set_aside.values())
    return impossible / total if total else 0.0


def find_warnings(
    data: Measurements, block_m: float, validation: dict[str, Any], seed: int = 1
) -> list[str]:
    """What a reader of the report has to know first; empty if nothing is odd.

    Args:
        data: The campaign's rows.
        block_m: Side of the blocks that places are compared by [m].
        validation: What holding rows out said, as in a result.
        seed: Of the rows that are looked at, where there are many.
    Source: negative controls of tests/calibration/judgement; how often clean campaigns are
    warned about is counted by benchmarks/campaign_warnings.py.
    """
    found = []
    share = impossible_share(data)
    if share > IMPOSSIBLE_SHARE:
        found.append(
            f"{100 * share:.0f} % of the measurements lie above free space; check quantity, "
            "units, powers and positions before anything is believed"
        )
    if data.found_floor_db is not None:
        found.append(
            f"{int(data.censored.sum())} rows lie at the lowest level, {data.found_floor_db:.1f}: "
            "they are taken for upper bounds; say noise_floor in the campaign to be sure"
        )
    values = value_warnings(data, block_m)
    found += values
    explained = validation["explained_variance"]
    if explained < EXPLAINED and not values:
        found.append(
            f"held-out rows are explained to {100 * max(explained, 0):.0f} % only; the "
            "measurements hardly depend on where they were taken: are rows shuffled, or columns "
            "swapped?"
        )
    return found + place_warnings(data, block_m, seed) + twin_warnings(validation)


def twin_warnings(validation: dict[str, Any]) -> list[str]:
    """Intervals that hold too little, and transmitters that are predicted far worse than others."""
    found = []
    coverage = validation["coverage_of_90_percent"]
    if coverage < LEAST_COVERAGE:
        found.append(
            f"90 % intervals hold {100 * coverage:.0f} % of the held-out rows: the twin is surer "
            "than it should be; take its standard deviations as a lower bound"
        )
    twin = next((s for s in validation["scores"] if s["model"] == TWIN), None)
    errors = {} if twin is None else twin["groups"].get("transmitter", {})
    for name, error in errors.items():
        others = float(np.median([v for n, v in errors.items() if n != name] or [np.inf]))
        if len(errors) > 2 and error > max(_WORSE * others, others + _WORSE_DB):
            found.append(
                f"transmitter '{name}' is predicted to {error:.1f} dB, the others to "
                f"{others:.1f} dB: is its position, antenna, or the scene about it right?"
            )
    return found


def trust_warnings(table: dict[str, Any]) -> list[str]:
    """Sources of which much is contradicted by everything else.

    Args:
        table: As rtwin.calibration.statistics.trust_table makes it.
    """
    if table["undecided"]:
        return [
            "more than a third of the rows contradict the rest, so that nobody can tell which are "
            "wrong; none was set aside"
        ]
    found = []
    for kind in ("transmitter", "device"):
        rows = table[f"by_{kind}"]
        for row in rows:
            many = row["untrusted"] >= UNTRUSTED_ROWS and row["share"] > UNTRUSTED_SHARE
            if many and (len(rows) > 1 or kind == "transmitter"):
                found.append(
                    f"{kind} '{row['name']}': {row['untrusted']} of {row['rows']} rows are "
                    f"contradicted by everything else, by {row['off_db']:+.1f} dB in the mean, and "
                    "were set aside; see where in the report"
                )
    return found


def physics_warnings(scores: list[dict[str, Any]]) -> list[str]:
    """Whether calibrated physics is worth anything beside the best statistics."""
    rmse = {s["model"]: (s["rmse_db"], s["rmse_sd_db"]) for s in scores}
    before, after = rmse.get("ray tracing + offset"), rmse.get("calibrated physics")
    if before is None or after is None:
        return []
    simple = {n: v[0] for n, v in rmse.items() if "kriging" not in n and "+ disc" not in n}
    physical = ("ray tracing + offset", "calibrated physics", "physics + offset")
    best = min((v, n) for n, v in simple.items() if n not in physical)
    found = []
    if before[0] - after[0] < max(before[1], after[1]):
        found.append(
            f"calibrating the physics gains {before[0] - after[0]:.2f} dB, within what the draw "
            "of blocks changes: the data say little about the scene's materials"
        )
    if after[0] > best[0]:
        found.append(
            f"calibrated physics alone ({after[0]:.2f} dB) is worse than {best[1]} "
            f"({best[0]:.2f} dB): its scene lacks what decides here"
        )
    return found
