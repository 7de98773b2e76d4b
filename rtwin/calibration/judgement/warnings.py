"""Warnings about a campaign: numbers that cannot mean what they are said to mean."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.calibration.campaign import Measurements, folds, link_inputs
from rtwin.calibration.statistics import baselines

IMPOSSIBLE_SHARE = 0.05
EXPLAINED = 0.15
_GAIN = 0.8  # a displaced transmitter is believed if it leaves less than this of the error
_FAR = 1.0  # and lies farther off than this share of the median link
_STEPS = 9
_MIN_ROWS = 30
_MAX_ROWS = 400


def impossible_share(data: Measurements) -> float:
    """Share of the raw rows that were set aside because they are above free space."""
    impossible = data.set_aside.get("above free space", 0)
    total = int(data.count.sum()) + sum(data.set_aside.values())
    return impossible / total if total else 0.0


def find_warnings(
    data: Measurements, environment: str, block_m: float, explained: float, seed: int = 1
) -> list[str]:
    """What a reader of the report has to know first; empty if nothing is odd.

    Args:
        explained: Share of the held-out variance that the twin explains.
    Source: negative controls of tests/calibration/judgement/test_warnings.py.
    """
    found = []
    share = impossible_share(data)
    if share > IMPOSSIBLE_SHARE:
        found.append(
            f"{100 * share:.0f} % of the measurements lie above free space; check quantity, "
            "units, powers and positions before anything is believed"
        )
    if explained < EXPLAINED:
        found.append(
            f"held-out blocks are explained to {100 * max(explained, 0):.0f} % only; the "
            "measurements hardly depend on where they were taken: are rows shuffled, or columns "
            "swapped?"
        )
    for name, off, gain in displaced(data, environment, block_m, seed):
        found.append(
            f"transmitter '{name}' fits much better {off:.0f} m from where the campaign puts it "
            f"(error {100 * (1 - gain):.0f} % lower); check its position and the origin"
        )
    return found


def displaced(
    data: Measurements, environment: str, block_m: float, seed: int = 1
) -> list[tuple[str, float, float]]:
    """Transmitters that would fit better elsewhere: name, how far off [m], error left over.

    Log-distance with antenna is fitted to left-out blocks for places on a grid
    over the measured area.
    """
    found = []
    for number, link in enumerate(data.transmitters):
        rows = np.flatnonzero((data.tx == number) & ~data.censored)
        if len(rows) < _MIN_ROWS:
            continue
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:_MAX_ROWS])
        own = replace(data.take(rows), tx=np.zeros(len(rows), np.int64), transmitters=(link,))
        fold = folds(own.position_m, block_m, 5, seed)
        flat = own.position_m[:, :2]
        low, high = flat.min(axis=0), flat.max(axis=0)
        grid = np.stack(np.meshgrid(*np.linspace(low, high, _STEPS).T), axis=-1).reshape(-1, 2)
        here = _left_out_rms(own, environment, fold)
        away = []
        for x, y in grid:
            other = replace(link, position_m=(float(x), float(y), link.position_m[2]))
            away.append(_left_out_rms(replace(own, transmitters=(other,)), environment, fold))
        best = int(np.argmin(away))
        off = float(np.hypot(*(grid[best] - link.position_m[:2])))
        link_m = np.linalg.norm(own.position_m - own.tx_position_m, axis=1)
        if away[best] < _GAIN * here and off > _FAR * float(np.median(link_m)):
            found.append((link.name, off, away[best] / here))
    return found


def _left_out_rms(data: Measurements, environment: str, fold: NDArray[np.int64]) -> float:
    inputs = link_inputs(data)
    directional = data.transmitters[0].is_directional
    wanted = "log-distance + antenna" if directional else "log-distance"
    model = next(m for m in baselines(environment, directional) if m.name == wanted)
    errors = []
    for number in np.unique(fold):
        train = np.flatnonzero(fold != number)
        if not len(train):
            continue
        level, _ = model.fit_predict(data, inputs, train)
        errors.append((level - data.level_db)[fold == number])
    return float(np.sqrt(np.mean(np.concatenate(errors) ** 2))) if errors else 0.0


def physics_warnings(scores: list[dict[str, Any]]) -> list[str]:
    """Whether calibrated physics is worth anything beside the best statistics."""
    rmse = {s["model"]: (s["rmse_db"], s["rmse_sd_db"]) for s in scores}
    before, after = rmse.get("ray tracing + offset"), rmse.get("calibrated physics")
    if before is None or after is None:
        return []
    simple = {n: v[0] for n, v in rmse.items() if "kriging" not in n and "+ disc" not in n}
    best = min(
        (v, n) for n, v in simple.items() if n not in ("ray tracing + offset", "calibrated physics")
    )
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
