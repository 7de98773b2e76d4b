"""Every command that writes, on inputs so small that it may run hundreds of times."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from rtwin.cli.app import app
from rtwin.export import FORMATS
from rtwin.files import is_temporary

from ...tables import box, plane_scene, toml, two_masts

BOX = box("box", [8, 0, 3], [6, 6, 8])
SCENE = plane_scene(
    BOX,
    receivers={"kind": "random", "count": 24, "area": [-25, -25, 25, 25]},
    solver={"max_depth": 1, "rays": 2000},
    radio_map={"cell_size_m": 10, "rays": 2000},
)
EDIT = {"edit": [{"kind": "move_object", "object": "box", "by_m": [3.0, 0.0, 0.0]}]}
MAP = """<osm version="0.6">
<node id="1" lat="48.0" lon="11.0"/><node id="2" lat="48.0" lon="11.0002"/>
<node id="3" lat="48.0001" lon="11.0002"/><node id="4" lat="48.0001" lon="11.0"/>
<way id="9"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/>
<tag k="building" v="yes"/><tag k="height" v="9"/></way></osm>
"""
MESH = "v 0 0 0\nv 4 0 0\nv 0 4 0\nv 0 0 4\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"
CAMPAIGN = two_masts(points=40)


@dataclass(frozen=True)
class Command:
    """A command line in a folder of inputs, and the files or folders that it makes or changes."""

    name: str
    line: str
    makes: tuple[str, ...]

    def run(self, folder: Path) -> str:
        """Run it in this process and return what it printed; what goes wrong is raised."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            done = CliRunner().invoke(app, self.line.split(), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output


def _exports() -> list[Command]:
    """Every format, from the kind of file that it takes."""
    inputs = {"paths": "paths.h5", "radiomap": "map.h5", "trace": "walk.h5"}
    options = {
        "colosseum": "--strongest-paths 4 -O weak_taps=true",
        "ns3-fading": "--tx 0 --rx 0 -O samples=5",
        "sionna-rk": "--tx 0 --rx 0 -O slots=2",
        "radiomapseer": "-O any_size=true",
    }
    return [
        Command(
            f"export {item.name}",
            f"export {inputs[item.sources[0]]} --to {item.name} -o out{item.suffix} --quiet "
            f"{options.get(item.name, '')}",
            (f"out{item.suffix}",),
        )
        for item in FORMATS
    ]


COMMANDS = [
    Command("generate", "generate box.toml -o new.h5 --shard-size 12 --quiet", ("new.h5",)),
    Command("evaluate", "evaluate paths.h5 -o new.h5 --frequency 2e9 --quiet", ("new.h5",)),
    Command("radiomap", "radiomap box.toml -o new.h5 --quiet", ("new.h5",)),
    Command("radiomap paths", "radiomap box.toml -o new.h5 --method paths --quiet", ("new.h5",)),
    Command(
        "sample",
        "sample map.h5 random-waypoint -o new.h5 --ues 2 --duration 1 --quiet",
        ("new.h5",),
    ),
    Command("twin", "twin box.toml -o new.twin --quiet", ("new.twin",)),
    Command("twin --at", "twin box.twin --at 0 -o new.h5", ("new.h5",)),
    Command("update --edit", "update box.twin --edit edit.toml --quiet", ("box.twin",)),
    Command(
        "update --measurements",
        "update box.twin --measurements news.csv --worlds 3 --suggest guess.toml --quiet",
        ("box.twin",),
    ),
    Command("merge", "merge map.h5 box.twin -o new.h5", ("new.h5",)),
    Command("calibrate", "calibrate - campaign -o result --no-curve --quiet", ("result",)),
    Command("align", "align paths.h5 other.h5 -o new.json", ("new.json",)),
    Command("scene build", "scene build map.osm -o scene --quiet", ("scene",)),
    Command("scene build mesh", "scene build tent.obj -o scene --quiet", ("scene",)),
    Command("plot", "plot map.h5 -o new.png", ("new.png",)),
    Command(
        "render", "render box.toml -o new.png --width 64 --height 48 --samples 1", ("new.png",)
    ),
    Command("view", "view paths.h5 map.h5 -o new.html", ("new.html",)),
    Command(
        "horizontal train",
        "horizontal train -o new.npz --kind mlp --scenes 1 --edits 4 --truths 1 --epochs 1"
        " --data cases --quiet",
        ("new.npz",),
    ),
    *_exports(),
]


def make_inputs(folder: Path) -> None:
    """Everything that the commands read."""
    (folder / "box.toml").write_text(toml(SCENE))
    (folder / "other.toml").write_text(toml(SCENE | {"seed": 2}))
    (folder / "edit.toml").write_text(toml(EDIT))
    (folder / "map.osm").write_text(MAP)
    (folder / "tent.obj").write_text(MESH)
    (folder / "campaign").mkdir()
    (folder / "campaign" / "campaign.toml").write_text(toml(CAMPAIGN))
    rng = np.random.default_rng(5)
    place = rng.uniform([-50, -50], [350, 150], (120, 2))
    level = -60 - 30 * np.log10(np.hypot(*(place - 1.0).T)) + rng.normal(0, 4, 120)
    rows = [
        f"{'ab'[n % 2]},{x:.2f},{y:.2f},{v:.2f}"
        for n, ((x, y), v) in enumerate(zip(place, level, strict=True))
    ]
    (folder / "campaign" / "points.csv").write_text("\n".join(["cell,x,y,rss", *rows]))
    for line in (
        "generate box.toml -o paths.h5 --quiet",
        "generate other.toml -o other.h5 --quiet",
        "radiomap box.toml -o map.h5 --quiet",
        "sample map.h5 random-waypoint -o walk.h5 --ues 2 --duration 1 --quiet",
        "twin box.toml -o box.twin --quiet",
    ):
        Command("", line, ()).run(folder)
    with h5py.File(folder / "map.h5") as h5:
        gain, centers = h5["path_gain"][0], h5["cell_centers_m"][...]
    cells = [(y, x) for y, x in np.argwhere(gain > 0)]
    news = [
        f"mast,{centers[y, x, 0]},{centers[y, x, 1]},{10 * np.log10(gain[y, x]) - 3}"
        for y, x in cells
    ]
    (folder / "news.csv").write_text("\n".join(["tx,x_m,y_m,path_gain_db", *news]))


def copy_inputs(inputs: Path, folder: Path) -> None:
    """A fresh folder of inputs, in which somebody also keeps files of their own."""
    shutil.copytree(inputs, folder, dirs_exist_ok=True)


def content(path: Path) -> str:
    """What a file or folder holds that two runs of a command agree on; "" where there is none."""
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if p.is_file() and p.name != "lock")
        inside = [p for p in inside if not is_temporary(p)]
        return "\n".join(f"{p.relative_to(path)} {content(p)}" for p in inside)
    if not path.exists():
        return ""
    digest = hashlib.sha256()
    if h5py.is_hdf5(path):
        with h5py.File(path) as h5:
            for name, data in sorted(h5.items()):
                if not name.endswith("_seconds"):
                    values = data[...]
                    plain = values.tolist() if values.dtype == object else values.tobytes()
                    digest.update(f"{name} {values.shape} {plain!r}".encode())
    elif path.suffix == ".json":
        data = json.loads(path.read_bytes())
        if isinstance(data, dict):
            data.pop("seconds", None)
        digest.update(json.dumps(data, sort_keys=True).encode())
    else:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
