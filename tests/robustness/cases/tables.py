"""Damaged tables: edits, measurements, campaigns, tracks, materials."""

import random
from pathlib import Path

from .. import samples
from ..damage import damaged_text, damaged_tree
from .words import OUT, Arguments, put_scene, put_twin


def edits(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    twin, file = put_twin(fixtures, folder), folder / "in" / "e.toml"
    file.write_bytes(damaged_text(samples.EDITS, rng))
    return ["update", str(twin), "--edit", str(file), "--quiet"]


def measurements(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    twin, file = put_twin(fixtures, folder), folder / "in" / "news.csv"
    file.write_bytes(damaged_text(samples.NEWS, rng))
    worlds = rng.choice(("0", "0", "3"))
    return ["update", str(twin), "--measurements", str(file), "--worlds", worlds, "--quiet"]


def campaign(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    place, which = folder / "in" / "drive", rng.randrange(2)
    place.mkdir()
    text, points = samples.CAMPAIGN, samples.POINTS
    (place / "campaign.toml").write_bytes(damaged_text(text, rng) if which else text.encode())
    (place / "points.csv").write_bytes(points.encode() if which else damaged_text(points, rng))
    if rng.random() < 0.3:
        out = str(folder / OUT / "r")
        less = ["--no-curve", "--repeats", "1", "--points", "20", "--quiet"]
        return ["calibrate", "-", str(place), "-o", out, *less]
    scene = put_scene(folder, samples.RECIPE.encode())
    out = str(folder / OUT / "m.h5")
    return ["radiomap", scene, "--measurements", str(place), "-o", out, "--quiet"]


def tracks(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    if rng.random() < 0.6:
        file = folder / "in" / "t.csv"
        file.write_bytes(damaged_text(samples.TRACKS, rng))
    else:
        file = folder / "in" / "t.geojson"
        file.write_bytes(damaged_tree(samples.geojson(), rng))
    out, source = str(folder / OUT / "o.h5"), str(fixtures / "map.h5")
    return ["sample", source, str(file), "-o", out, "--quiet", "--duration", "3", "--ues", "2"]


def tables(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    """Materials for evaluate, columns for align."""
    source = str(fixtures / "paths.h5")
    if rng.random() < 0.5:
        file = folder / "in" / "m.toml"
        file.write_bytes(damaged_text(samples.MATERIALS, rng))
        out = str(folder / OUT / "o.h5")
        return ["evaluate", source, "-o", out, "--materials", str(file), "--quiet"]
    rows = "path_gain_db,rms_delay_spread_s\n" + "".join(
        f"{-70 - n % 30},{1e-8 * (n % 9 + 1)}\n" for n in range(60)
    )
    file = folder / "in" / "t.csv"
    file.write_bytes(damaged_text(rows, rng))
    return ["align", source, str(file), "-o", str(folder / OUT / "a.json")]
