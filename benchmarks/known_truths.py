"""Do the ranges of a calibration hold the truth, where the map is wrong as well?

    python benchmarks/known_truths.py [--truths 40] [--scenes street_canyon courtyard]

Truths are drawn from the prior of materials; each is measured in a world that differs from
the map in one way: not at all, by one more interaction, by transmitters that stand higher,
by trees that the map does not know, or by a noise floor that nobody declares. Printed: how
many of the ranges that are given hold the truth, of those called seen and of all; how many
are called seen; and what the calibrated scene's held-out error is, beside the drawn one's.
"""

import argparse
import csv
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtwin.calibration.campaign import load_campaign
from rtwin.calibration.physics import make_campaign, trace_campaign
from rtwin.scene import Recipe, load_recipe, recipe_dict, recipe_from_dict
from rtwin.trace import load_world

NOISE_DB = 2.0
POINTS = 200
MAST_M = 1.5  # by which transmitters stand higher than the map says
FLOOR_SHARE = 0.3  # of the rows that lie at the floor
TREES = "unknown trees"  # in scenes that are recipes of their own
KINDS = ("none", "one more interaction", "masts higher", TREES, "undeclared floor")


@dataclass
class Tally:
    """What came out for one kind of error."""

    ranges: int = 0
    held: int = 0
    seen: int = 0
    seen_held: int = 0
    kept: int = 0
    truths: int = 0
    before: float = 0.0
    after: float = 0.0


def really(recipe: Recipe, kind: str) -> Recipe:
    """The world that is measured."""
    table = recipe_dict(recipe)
    if kind == "one more interaction":
        table["solver"]["max_depth"] = table["solver"]["max_depth"] + 1
    if kind == "masts higher":
        for mast in table["transmitter"]:
            x, y, z = mast["position_m"]
            mast["position_m"] = [x, y, z + MAST_M]
    if kind == TREES:
        x, y, _ = table["transmitter"][0]["position_m"]
        table["object"] += [
            {
                "name": f"unknown_tree_{number}",
                "material": "vegetation",
                "shape": "box",
                "center_m": [x + dx, y + dy, 3.0],
                "size_m": [8.0, 4.0, 6.0],
            }
            for number, (dx, dy) in enumerate(((15.0, 0.0), (-15.0, 3.0), (30.0, -3.0)))
        ]
    return recipe_from_dict(table, recipe.name, recipe.folder)


def truth_of(recipe: Recipe, seed: int) -> dict[str, dict[str, float]]:
    """Materials drawn from the prior of a fit."""
    rng = np.random.default_rng([seed, 77])
    found = {}
    for name, made in sorted(load_world(recipe).materials.items()):
        if name not in ("metal", "vacuum"):
            eps, sigma = made.relative_permittivity, made.conductivity_s_per_m
            found[name] = {
                "relative_permittivity": float(1 + (eps - 1) * np.exp(0.7 * rng.normal())),
                "conductivity_s_per_m": float(sigma * np.exp(1.2 * rng.normal())),
            }
    return found


def with_floor(file: Path) -> None:
    """Raise what lies below a level to it, as a receiver that does not say so."""
    with open(file, newline="") as source:
        rows = list(csv.DictReader(source))
    floor = np.quantile([float(row["rss"]) for row in rows], FLOOR_SHARE)
    with open(file, "w", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({**row, "rss": f"{max(float(row['rss']), float(floor)):.2f}"})


def judge(scene: str, kind: str, seed: int, tally: Tally) -> None:
    recipe = load_recipe(scene)
    with tempfile.TemporaryDirectory() as folder:
        truth = truth_of(recipe, seed)
        made = make_campaign(
            recipe,
            Path(folder) / "campaign",
            truth,
            num_points=POINTS + 100,
            noise_db=NOISE_DB,
            seed=seed,
            real=really(recipe, kind),
        )
        if kind == "undeclared floor":
            with_floor(made / "points.csv")
        part = trace_campaign(load_campaign(made), recipe)
        rng = np.random.default_rng(seed)
        train = np.sort(rng.permutation(len(part.data))[:POINTS])
        held = np.setdiff1d(np.arange(len(part.data)), train)
        before = part.levels(None, train)["ray tracing + offset"]
        part, fit = part.solved(train, seed, final=True)
    level = part.data.level_db
    tally.truths += 1
    tally.before += float(np.sqrt(np.mean((before - level)[held] ** 2)))
    tally.after += float(np.sqrt(np.mean((fit.level_db(part.model) - level)[held] ** 2)))
    tally.kept += fit.is_kept
    for row in fit.identifiability():
        true = truth.get(row["target"], {}).get(row["kind"])
        if true is None:
            continue
        within = row["low"] <= true <= row["high"]
        tally.ranges += 1
        tally.held += within
        if row["identified"]:
            tally.seen += 1
            tally.seen_held += within


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--truths", type=int, default=40, help="over all scenes and kinds")
    parser.add_argument("--scenes", nargs="+", default=["street_canyon", "courtyard"])
    asked = parser.parse_args()
    tallies = {kind: Tally() for kind in KINDS}
    for number in range(asked.truths):
        kind = KINDS[number % len(KINDS)]
        scenes = [name for name in asked.scenes if kind != TREES or load_recipe(name).object]
        scene = scenes[(number // len(KINDS)) % len(scenes)]
        judge(scene, kind, number + 1, tallies[kind])
    print(
        "| error of the map | truths | ranges | hold the truth | seen | hold it | fits kept |"
        " drawn scene, dB | calibrated, dB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    whole = Tally()
    for kind, one in [*tallies.items(), ("all", whole)]:
        if not one.truths:
            continue
        print(
            f"| {kind} | {one.truths} | {one.ranges} | {100 * one.held / max(one.ranges, 1):.0f} % "
            f"| {one.seen} | {100 * one.seen_held / max(one.seen, 1):.0f} % | {one.kept} "
            f"| {one.before / one.truths:.2f} | {one.after / one.truths:.2f} |",
            flush=True,
        )
        if kind != "all":
            for name in Tally.__dataclass_fields__:
                setattr(whole, name, getattr(whole, name) + getattr(one, name))


if __name__ == "__main__":
    main()
