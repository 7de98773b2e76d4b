"""Campaigns whose truth is known: a scene with other materials, measured with noise."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import tomlkit

from rtwin.arrays import Floats
from rtwin.calibration.campaign import (
    Campaign,
    Measurements,
    campaign_from_dict,
    links_of,
    transmitters_of,
)
from rtwin.calibration.physics.model.campaign_scene import campaign_recipe, with_materials, world_of
from rtwin.calibration.physics.model.path_model import build_model
from rtwin.dataset.store import plain_errors
from rtwin.errors import OutOfRangeError, StoreError
from rtwin.scene import Recipe, recipe_dict, recipe_from_dict, with_overrides
from rtwin.trace import load_world, place

DYNAMIC_RANGE_DB = 55.0
OFFSET_DB = -12.0  # of the phone that measured; a fit has to find it


def make_campaign(
    recipe: Recipe,
    folder: str | Path,
    truth: dict[str, dict[str, float]],
    *,
    num_points: int = 340,
    num_transmitters: int = 1,
    noise_db: float = 2.0,
    area: tuple[float, float, float, float] | None = None,
    seed: int = 1,
    real: Recipe | None = None,
) -> Path:
    """Measure a scene as it really is, for a fit that knows it only as it is drawn.

    Args:
        recipe: The scene as it is drawn.
        folder: New folder for campaign.toml and points.csv.
        truth: Floats values of materials: relative_permittivity and
            conductivity_s_per_m together, and others.
        num_points: Receivers that some path reaches.
        num_transmitters: The recipe's first so many.
        noise_db: Standard deviation of the noise [dB].
        area: Where places are drawn, xmin, ymin, xmax, ymax [m]; None: in all of the scene.
        seed: Of places and noise.
        real: The scene as it is, where it is another than the one that is drawn.
    Returns:
        The folder.
    Raises:
        StoreError: if the folder exists already.
        OutOfRangeError: if paths reach too few places.
    Checked by tests/calibration/physics/test_synthetic_campaign.py.
    """
    folder = Path(folder)
    if folder.exists():
        raise StoreError(f"{folder}: exists; give a new folder")
    table = _table(recipe, num_transmitters, seed)
    campaign = campaign_from_dict(table, folder.name, folder)
    data, gain = true_gain(
        with_materials(real or recipe, truth), campaign, 4 * num_points, seed, area
    )
    rng = np.random.default_rng([seed, 1])
    rows = np.flatnonzero(np.isfinite(gain))
    if len(rows) < num_points:
        raise OutOfRangeError(
            f"paths reach {len(rows)} of {len(gain)} places in {recipe.name}; "
            f"ask for fewer points than {num_points}"
        )
    rows = np.sort(rng.permutation(rows)[: num_points * num_transmitters])
    level = gain[rows] + OFFSET_DB + rng.normal(0.0, noise_db, len(rows))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["cell", "x", "y", "z", "rss"])
    for row, value in zip(rows, level, strict=True):
        name = data.transmitters[data.tx[row]].name
        writer.writerow([name, *(f"{v:.3f}" for v in data.position_m[row]), f"{value:.2f}"])
    with plain_errors(folder):
        folder.mkdir(parents=True)
        (folder / "campaign.toml").write_text(tomlkit.dumps(table), encoding="utf-8")
        (folder / "points.csv").write_text(text.getvalue(), encoding="utf-8")
    return folder


def true_gain(
    recipe: Recipe,
    campaign: Campaign,
    num_places: int,
    seed: int,
    area: tuple[float, float, float, float] | None = None,
) -> tuple[Measurements, Floats]:
    """Traced gain [dB], pattern included, at random places; -inf where no path comes."""
    table = recipe_dict(with_overrides(campaign_recipe(recipe, campaign), seed=seed))
    table["receivers"] = {"kind": "random", "count": num_places}
    if area is not None:
        table["receivers"]["area"] = list(area)
    drawn = recipe_from_dict(table, recipe.name, recipe.folder)
    spots = np.array(place(load_world(drawn)).position_m)
    links = links_of(campaign, recipe.georeference)
    tx = np.tile(np.arange(len(links)), len(spots))
    num = len(tx)
    data = Measurements(
        links,
        ("device",),
        tx,
        np.zeros(num, np.int64),
        np.repeat(spots, len(links), axis=0),
        np.zeros(num),
        np.zeros(num, bool),
        np.ones(num, np.int64),
        np.ones(num),
    )
    model = build_model(world_of(recipe, campaign), data)
    gain = model.gain_db((), np.zeros(0))
    # A phone hears no further: deeper shadow is decided by single rays.
    return data, np.where(gain > gain.max() - DYNAMIC_RANGE_DB, gain, -np.inf)


def materials_about(
    textbook: dict[str, tuple[float, float]], seed: int
) -> dict[str, dict[str, float]]:
    """Materials drawn about the textbook's: a truth for `make_campaign`.

    Args:
        textbook: Relative permittivity and conductivity [S/m] by name.
        seed: Draws them.
    Returns:
        By name and parameter; standard deviation of ln(permittivity - 1) 0.5, of
        ln(conductivity) 0.8, which is somewhat narrower than a fit's prior.
    """
    rng = np.random.default_rng([seed, 77])
    return {
        name: {
            "relative_permittivity": float(1.0 + (eps - 1.0) * np.exp(0.5 * rng.normal())),
            "conductivity_s_per_m": float(sigma * np.exp(0.8 * rng.normal())),
        }
        for name, (eps, sigma) in textbook.items()
    }


def _table(recipe: Recipe, num_transmitters: int, seed: int) -> dict[str, Any]:
    return {
        "title": f"{recipe.title}: measured by rtwin itself",
        "description": "Made by rtwin.calibration.make_campaign; the truth is known.",
        "source": "rtwin",
        "licence": "Apache-2.0",
        "environment": recipe.environment,
        "frequency_hz": recipe.frequency_hz,
        "seed": seed,
        "measurements": {
            "file": "points.csv",
            "quantity": "rss_dbm",
            "value": "rss",
            "tx": "cell",
            "x": "x",
            "y": "y",
            "z": "z",
            "uncertainty_db": 2.0,
        },
        "validation": {"block_m": 10.0, "learning_curve": [10, 20, 50, 100]},
        "fit": {"parameters": ["relative_permittivity", "conductivity"]},
        "transmitter": transmitters_of(recipe)[:num_transmitters],
    }
