"""What poisoned measurements cost a calibrated twin, and what the check of rows finds of them.

    python benchmarks/radio_trust.py canyon
    python benchmarks/radio_trust.py duke --data FOLDER --points 60
    python benchmarks/radio_trust.py duke --data FOLDER --points 60 --scene SCENE

A tenth of the rows that a twin learns from is falsified; held-out blocks are not. The twin is
the statistical one over the scene as it is drawn: its physics is not fitted anew. `duke` has
no scene unless one is given. Held-out errors [dB] are those of clean rows; of falsified ones as
they are; of the honest ones among them, which is what a check that errs nowhere would leave; and
of those that the check believes. AUC, precision and recall are of single rows; ± is half of a
95 % interval over draws, which are paired.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import stats

from rtwin.arrays import Bools, Floats, Ints
from rtwin.calibration.campaign import (
    Inputs,
    Measurements,
    default_block_m,
    draw,
    hold_out,
    link_inputs,
    load_campaign,
    load_measurements,
)
from rtwin.calibration.physics import trace_campaign
from rtwin.calibration.statistics import LIMIT, RowTrust, check_rows, fit_twin
from rtwin.scene import load_recipe

SHARE, SHIFT_DB = 0.1, 20.0
SCENES = {"canyon": "street_canyon", "duke": None}
Attack = Callable[[Measurements, Ints, int, np.random.Generator], tuple[Ints, Floats]]


@dataclass(frozen=True)
class Field:
    """A campaign as it is learned from."""

    data: Measurements
    inputs: Inputs
    block_m: float
    held_out: float


def load(name: str, folder: Path | None, scene: str | None = None) -> Field:
    """A shipped campaign, with the scene that is given or stands for it here."""
    plan, scene = load_campaign(name, folder), scene or SCENES[name]
    if scene is None:
        data = load_measurements(plan)
        inputs = link_inputs(data)
    else:
        part = trace_campaign(plan, load_recipe(scene))
        data, inputs = part.data, part.inputs()
    block_m = plan.validation.block_m or default_block_m(data)
    return Field(data, inputs, block_m, plan.validation.held_out)


def random_shifts(
    data: Measurements, heard: Ints, count: int, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Ints at random, up or down."""
    return rng.permutation(heard)[:count], SHIFT_DB * rng.choice([-1.0, 1.0], count)


def one_way(
    data: Measurements, heard: Ints, count: int, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Ints at random, all up."""
    return rng.permutation(heard)[:count], np.full(count, SHIFT_DB)


def colluding(
    data: Measurements, heard: Ints, count: int, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """What one device says about a place, of all transmitters: its nearest rows, all up."""
    device = rng.permutation(np.unique(data.device[heard]))[0]
    own = heard[data.device[heard] == device]
    away = np.linalg.norm(data.position_m[own] - data.position_m[rng.choice(own)], axis=1)
    return own[np.argsort(away)[:count]], np.full(min(count, len(own)), SHIFT_DB)


ATTACKS: dict[str, Attack] = {
    "random rows, +-20 dB": random_shifts,
    "random rows, +20 dB": one_way,
    "neighbours together, +20 dB": colluding,
}


def poisoned(
    data: Measurements, train: Ints, attack: Attack, rng: np.random.Generator
) -> tuple[Measurements, Bools]:
    """The campaign with a tenth of some rows falsified, and which these are, [row]."""
    heard = train[~data.censored[train]]
    rows, shift = attack(data, heard, round(SHARE * len(train)), rng)
    level, bad = data.level_db.copy(), np.zeros(len(data), bool)
    level[rows] += shift
    bad[rows] = True
    return replace(data, level_db=level), bad


def held_out_rmse_db(field: Field, data: Measurements, train: Ints, held: Ints, seed: int) -> float:
    """Error on held-out rows, a mean over transmitters [dB]."""
    environment = "outdoor"
    twin = fit_twin(data, field.inputs, environment, train, field.block_m, seed)
    held = held[~data.censored[held]]
    off = (twin.heard_db - data.level_db)[held]
    tx = data.tx[held]
    return float(np.mean([np.sqrt(np.mean(off[tx == n] ** 2)) for n in np.unique(tx)]))


def auc(score: Floats, bad: Bools) -> float:
    """Chance that a falsified row has a larger score than another."""
    order = np.argsort(np.argsort(score)) + 1.0
    most = bad.sum()
    return float((order[bad].sum() - most * (most + 1) / 2) / (most * (~bad).sum()))


def judged(verdict: RowTrust, bad: Bools) -> tuple[float, float, float]:
    """AUC, precision and recall of a verdict."""
    own = bad[verdict.rows]
    hits = float((own & verdict.untrusted).sum())
    masked = max(int(verdict.untrusted.sum()), 1)
    return auc(np.abs(verdict.score), own), hits / masked, hits / own.sum()


def interval(values: list[float]) -> str:
    """Mean and half of its 95 % interval."""
    if len(values) == 1:
        return f"{values[0]:+.1f}"
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return f"{np.mean(values):+.1f} ± {half:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("campaign", choices=sorted(SCENES))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--scene", help="scene of the campaign")
    parser.add_argument("--points", type=int, help="rows per transmitter to learn from")
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--limit", type=float, default=LIMIT)
    asked = parser.parse_args()
    field = load(asked.campaign, asked.data, asked.scene)
    rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in ("none", *ATTACKS)}
    for seed in range(1, asked.draws + 1):
        rest, held = hold_out(field.data, field.block_m, field.held_out, seed)
        train = draw(field.data, rest, asked.points, seed)
        clean = held_out_rmse_db(field, field.data, train, held, seed)
        for name in rows:
            rng = np.random.default_rng(seed)
            data, bad, found = field.data, np.zeros(len(field.data), bool), (np.nan,) * 3
            before = without = clean
            if name != "none":
                data, bad = poisoned(data, train, ATTACKS[name], rng)
                before = held_out_rmse_db(field, data, train, held, seed)
            verdict = check_rows(data, field.inputs, train, seed, asked.limit)
            if name != "none":
                found = judged(verdict, bad)
            after = before
            if verdict.untrusted.any():
                after = held_out_rmse_db(field, data, verdict.kept, held, seed)
            if name != "none":
                honest, without = train[~bad[train]], after
                if not np.array_equal(honest, verdict.kept):
                    without = held_out_rmse_db(field, data, honest, held, seed)
            aside = float(verdict.untrusted.mean())
            rows[name].append((*found, aside, clean, before, without, after))
            print(asked.campaign, seed, name, np.round(rows[name][-1], 3), flush=True)
    head = (
        "campaign falsified AUC precision recall aside_% clean falsified_error honest_alone checked"
    )
    head += " moved_falsified_% moved_honest_% moved_checked_%"
    print("\n| " + head.replace(" ", " | ").replace("_", " ") + " |\n" + "|---" * 13 + "|")
    for name, values in rows.items():
        *found, aside, clean, before, without, after = np.mean(values, axis=0)
        says = " | ".join("-" if np.isnan(v) else f"{v:.2f}" for v in found)
        errors = f"{clean:.2f} | {before:.2f} | {without:.2f} | {after:.2f}"
        ways = [[100 * (row[k] / row[4] - 1) for row in values] for k in (5, 6, 7)]
        moved = " | ".join(interval(way) for way in ways)
        print(f"| {asked.campaign} | {name} | {says} | {100 * aside:.1f} | {errors} | {moved} |")


if __name__ == "__main__":
    main()
