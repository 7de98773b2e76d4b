"""Damaged HDF5: bytes and structure of datasets, maps, traces, twins and tables."""

import random
import shutil
from pathlib import Path

import h5py

from .. import samples
from ..damage import damaged_bytes
from ..hdf5 import damage_structure
from .words import OUT, Arguments, put_twin

FORMATS = {
    "paths": (
        "deepmimo",
        "sionna-cir",
        "tfrecord",
        "netcdf",
        "zarr",
        "aodt",
        "ns3-loss",
        "qd-files",
    ),
    "map": ("geotiff", "png", "glb", "radiomapseer", "netcdf"),
    "trace": ("bandwidth", "netcdf", "zarr"),
}


def _use_of_file(
    rng: random.Random, fixtures: Path, folder: Path, kind: str, file: str
) -> Arguments:
    out = str(folder / OUT)
    uses = [
        ["info", file],
        ["info", file, "--json"],
        ["validate", file],
        ["plot", file, "-o", f"{out}/o.png"],
        ["view", file, "-o", f"{out}/o.html", "--quiet"],
    ]
    export = ["export", file, "-o"]
    for name in FORMATS.get({"pathmap": "map", "sweep": "trace"}.get(kind, kind), ()):
        suffix = {"tfrecord": ".tfrecord", "netcdf": ".nc", "ns3-loss": ".csv"}
        suffix |= {"geotiff": ".tif", "png": ".png", "glb": ".glb"}
        uses.append([*export, f"{out}/o{suffix.get(name, '')}", "--to", name, "--quiet"])
    if kind == "paths":
        evaluate = ["evaluate", file, "-o", f"{out}/o.h5", "--quiet", "--frequency", "4e9"]
        plots = [
            ["plot", file, "-o", f"{out}/o.png", "--kind", k] for k in ("delay", "angles", "cdf")
        ]
        uses += [evaluate, evaluate, *plots, ["align", file, file, "-o", f"{out}/a.json"]]
    if kind in ("map", "pathmap"):
        tracks = str(fixtures / "tracks.csv")
        other = str(fixtures / "map.h5")
        uses += [
            ["sample", file, tracks, "-o", f"{out}/o.h5", "--quiet"],
            ["merge", file, other, "-o", f"{out}/o.h5"],
        ]
    return rng.choice(uses)


def _hdf5(rng: random.Random, fixtures: Path, folder: Path, structure: bool) -> Arguments:
    kind = rng.choice(("paths", "paths", "map", "map", "pathmap", "trace", "sweep", "twin"))
    if kind == "twin":
        twin = put_twin(fixtures, folder)
        files = [twin / rng.choice(("000000.h5", "000001.h5"))]
        target = str(twin)
    else:
        files = [Path(shutil.copy(fixtures / f"{kind}.h5", folder / "in" / "x.h5"))]
        target = str(files[0])
    for file in files:
        if structure:
            damage_structure(file, rng)
        else:
            file.write_bytes(damaged_bytes(file.read_bytes(), rng))
    if kind != "twin":
        return _use_of_file(rng, fixtures, folder, kind, target)
    edit = folder / "in" / "e.toml"
    edit.write_text('[[edit]]\nkind = "move_object"\nobject = "metal_box"\nby_m = [1.0, 0, 0]\n')
    news = folder / "in" / "news.csv"
    news.write_text(samples.NEWS)
    out = str(folder / OUT)
    return rng.choice(
        (
            ["info", target],
            ["validate", target],
            ["update", target, "--edit", str(edit), "--quiet"],
            ["update", target, "--edit", str(edit), "--quiet"],
            ["update", target, "--measurements", str(news), "--worlds", "0", "--quiet"],
            ["twin", target, "--at", "0", "-o", f"{out}/o.h5"],
            ["merge", target, str(fixtures / "map.h5"), "-o", f"{out}/o.h5"],
            ["plot", target, "-o", f"{out}/o.png"],
        )
    )


def hdf5_bytes(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    return _hdf5(rng, fixtures, folder, structure=False)


def hdf5_structure(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    return _hdf5(rng, fixtures, folder, structure=True)


def hdf5_tables(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    """A table of measurements as HDF5."""
    file = folder / "in" / "t.h5"
    with h5py.File(file, "w") as h5:
        h5["path_gain_db"] = [-70.0 - n % 30 for n in range(60)]
        h5["rms_delay_spread_s"] = [1e-8 * (n % 9 + 1) for n in range(60)]
        h5.attrs["note"] = "x"
    if rng.random() < 0.7:
        damage_structure(file, rng)
    else:
        file.write_bytes(damaged_bytes(file.read_bytes(), rng))
    return ["align", str(fixtures / "paths.h5"), str(file), "-o", str(folder / OUT / "a.json")]
