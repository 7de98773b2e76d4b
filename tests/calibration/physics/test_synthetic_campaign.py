"""Campaigns whose truth is known: what is called seen is right.

    pytest -m slow -s tests/calibration/physics/test_synthetic_campaign.py

prints a table of truths and fits (about a minute for each street canyon alone on
two cores, several for munich).
"""

import csv
import sys

import numpy as np
import pytest

from rtwin.calibration.campaign.recipe import load_campaign
from rtwin.calibration.physics.model.synthetic_campaign import make_campaign, materials_about
from rtwin.calibration.physics.traced_campaign import trace_campaign
from rtwin.errors import StoreError
from rtwin.scene import load_recipe

DRAWN = {
    "brick": (3.91, 0.029),
    "marble": (7.074, 0.0176),
    "glass": (6.31, 0.0193),
    "wood": (1.99, 0.018),
}


# Around the mast; further off paths reach few places.
AREA = {"munich": (-100.0, 0.0, 150.0, 150.0)}


def verdicts(scene, seed, folder):
    """Rows of (parameter, truth, identifiability) and the noise of a fit to 200 points."""
    recipe, truth = load_recipe(scene), materials_about(DRAWN, seed)
    truth = {name: truth[name] for name in truth if name in known_materials(scene)}
    made = make_campaign(
        recipe, folder / f"{scene}-{seed}", truth, num_points=300, area=AREA.get(scene), seed=seed
    )
    part = trace_campaign(load_campaign(made), recipe)
    rng = np.random.default_rng(seed)
    train = np.sort(rng.permutation(len(part.data))[:200])
    held = np.setdiff1d(np.arange(len(part.data)), train)
    part, fit = part.solved(train, seed, final=True)
    off = (fit.level_db(part.model) - part.data.level_db)[held]
    rows = []
    for row in fit.identifiability():
        true = truth.get(row["target"], {}).get(row["kind"])
        true = 1.0 if row["kind"] == "scale" else true
        if true is not None:
            rows.append((row["parameter"], true, row))
    return rows, float(np.sqrt(np.mean(off**2)))


def known_materials(scene):
    brick = {"brick", "marble", "wood"}  # the ground of both is none of these
    return {"street_canyon": brick | {"glass"}, "munich": brick}[scene]


@pytest.mark.slow
@pytest.mark.parametrize(("scene", "seeds"), [("street_canyon", (1, 2, 3, 4)), ("munich", (1,))])
def test_what_is_called_seen_is_right(scene, seeds, tmp_path):
    seen = []
    for seed in seeds:
        rows, rmse = verdicts(scene, seed, tmp_path)
        sys.stdout.write(f"\n{scene} {seed}: held-out RMSE {rmse:.2f} dB at 2 dB noise\n")
        for name, true, row in rows:
            right = abs(row["fitted"] / true - 1) < 0.1 or row["low"] <= true <= row["high"]
            sys.stdout.write(
                f"  {name:32s} true {true:8.4f} fitted {row['fitted']:8.4f} [{row['low']:.4f}, "
                f"{row['high']:.4f}] {row['verdict']}{'' if right else '  WRONG'}\n"
            )
            if row["identified"]:
                seen.append(right)
        assert rmse < 2.5
    assert len(seen) >= len(seeds)
    assert np.mean(seen) >= 0.9


def test_a_campaign_is_as_it_is_asked_for(tmp_path):
    recipe = load_recipe("courtyard", max_depth=1)
    folder = make_campaign(recipe, tmp_path / "yard", {}, num_points=25, noise_db=0.0)
    with open(folder / "points.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 25
    assert load_campaign(folder).frequency_hz == recipe.frequency_hz
    with pytest.raises(StoreError, match="exists"):
        make_campaign(recipe, folder, {}, num_points=25)
