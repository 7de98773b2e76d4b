"""What a case is: damaged inputs in a folder, and the command that meets them."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py

from . import samples
from .damage import damaged_bytes, damaged_text, damaged_tree
from .hdf5 import damage_structure

Arguments = list[str]
Make = Callable[[random.Random, Path, Path], Arguments]
"""`make(rng, fixtures, folder) -> arguments`: inputs lie in folder/in, outputs go to folder/out."""

OUT = "out"


def make_case(kind: str, seed: int, fixtures: Path, folder: Path) -> Arguments:
    """Write the inputs of a case; the arguments of its command."""
    rng = random.Random(f"{kind}-{seed}")
    for name in ("in", OUT):
        (folder / name).mkdir(parents=True)
    return KINDS[kind](rng, fixtures, folder)


def _scene(folder: Path, text: bytes) -> str:
    (folder / "in" / "yard").mkdir(exist_ok=True)
    (folder / "in" / "yard" / "scene.toml").write_bytes(text)
    return str(folder / "in" / "yard")


def _use_of_scene(rng: random.Random, folder: Path, scene: str) -> Arguments:
    out = str(folder / OUT)
    return rng.choice(
        (
            ["generate", scene, "-o", f"{out}/o.h5", "--quiet"],
            ["radiomap", scene, "-o", f"{out}/o.h5", "--quiet"],
            ["radiomap", scene, "-o", f"{out}/o.h5", "--quiet", "--method", "paths"],
            ["twin", scene, "-o", f"{out}/o.twin", "--quiet"],
            ["scene", "lint", scene],
            ["view", scene, "-o", f"{out}/o.html", "--quiet"],
            [
                "sample",
                scene,
                "random-waypoint",
                "-o",
                f"{out}/o.h5",
                "--method",
                "paths",
                "--ues",
                "1",
                "--duration",
                "2",
                "--interval",
                "1",
                "--quiet",
            ],
        )
    )


_FEW = ("--ues", "1", "--duration", "2", "--interval", "1", "--quiet")


def recipe(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    return _use_of_scene(rng, folder, _scene(folder, damaged_text(samples.RECIPE, rng)))


RECEIVERS = (
    'kind = "grid"\nspacing_m = 20.0\n',
    'kind = "list"\npositions_m = [[1, 2, 1.5], [9, -9, 1.5]]\n',
    'kind = "csv"\nfile = "rx.csv"\n',
    'kind = "ways"\nfile = "ways.geojson"\nspacing_m = 9.0\n',
    'kind = "trajectory"\nwaypoints_m = [[1, 2, 1.5], [9, -9, 1.5]]\nspeed_m_s = 3\n'
    "interval_s = 1.0\n",
)


def receivers(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    """Every kind of receivers, with the files beside the recipe."""
    old = 'kind = "random"\ncount = 6\narea = [-30, -30, 30, 30]\n'
    text = samples.RECIPE.replace(old, rng.choice(RECEIVERS))
    table = "x_m,y_m,z_m,vx_m_s\n1,2,1.5,0\n-9,9,1.5,2\n"
    ways = samples.as_text(samples.geojson())
    which = rng.randrange(3)
    scene = _scene(folder, damaged_text(text, rng) if which == 0 else text.encode())
    place = folder / "in" / "yard"
    (place / "rx.csv").write_bytes(damaged_text(table, rng) if which == 1 else table.encode())
    (place / "ways.geojson").write_bytes(
        damaged_tree(samples.geojson(), rng) if which == 2 else ways.encode()
    )
    return ["generate", scene, "-o", str(folder / OUT / "o.h5"), "--quiet"]


def mesh_in_recipe(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    kind = rng.choice(("obj", "ply", "stl", "off", "glb", "ascii.ply"))
    table = f'[[object]]\nname = "mesh"\nmaterial = "brick"\nshape = "mesh"\nfile = "m.{kind}"\n'
    scene = _scene(
        folder, samples.RECIPE.replace("[materials.own]", table + "[materials.own]").encode()
    )
    (folder / "in" / "yard" / f"m.{kind}").write_bytes(_mesh(rng, fixtures, kind))
    return rng.choice(
        (
            ["generate", scene, "-o", str(folder / OUT / "o.h5"), "--quiet"],
            ["scene", "lint", scene],
        )
    )


def _mesh(rng: random.Random, fixtures: Path, kind: str) -> bytes:
    data = (fixtures / f"house.{kind}").read_bytes()
    if kind in ("obj", "off", "ascii.ply") and rng.random() < 0.7:
        return damaged_text(data.decode(), rng)
    return damaged_bytes(data, rng)


def build(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    """Maps and meshes that become scenes."""
    source = folder / "in"
    match rng.randrange(6):
        case 0 | 1:
            name, data = "map.osm", damaged_text(samples.OSM, rng)
        case 2:
            name, data = "map.geojson", damaged_tree(samples.geojson(), rng)
        case 3:
            name, data = "map.json", damaged_tree(samples.cityjson(), rng)
        case 4:
            (source / "house.ply").write_bytes(_mesh(rng, fixtures, "ply"))
            name, data = "map.xml", damaged_text(samples.MITSUBA, rng)
        case _:
            kind = rng.choice(("obj", "ply", "stl", "off", "glb", "ascii.ply"))
            name, data = f"map.{kind}", _mesh(rng, fixtures, kind)
    (source / name).write_bytes(data)
    return ["scene", "build", str(source / name), "-o", str(folder / OUT / "s"), "--quiet"]


def _twin(fixtures: Path, folder: Path) -> Path:
    return Path(shutil.copytree(fixtures / "yard.twin", folder / "in" / "yard.twin"))


def edits(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    twin, file = _twin(fixtures, folder), folder / "in" / "e.toml"
    file.write_bytes(damaged_text(samples.EDITS, rng))
    return ["update", str(twin), "--edit", str(file), "--quiet"]


def measurements(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    twin, file = _twin(fixtures, folder), folder / "in" / "news.csv"
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
    scene = _scene(folder, samples.RECIPE.encode())
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
        twin = _twin(fixtures, folder)
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


EXTREMES = ("nan", "inf", "-inf", "-1", "0", "1e308", "1e-308", "99999999999999999999", "x", "")
OPTIONS: dict[str, str] = {
    "generate": "receivers seed frequency max-depth rays strongest-paths shard-size workers",
    "radiomap": "cell-size height rays seed frequency max-depth",
    "sample": "ues duration interval speed pause seed bandwidth subcarrier-spacing table "
    "shannon-gap hysteresis time-to-trigger interference-load height",
    "evaluate": "frequency frequencies tx-downtilt tx-pattern rx-pattern",
    "twin": "cell-size height rays uncertainty",
    "at": "at",
    "merge": "age drift rule",
    "update": "worlds",
    "plot": "rx tx kind metric",
    "view": "receivers paths",
    "render": "links samples resolution",
    "export": "tx rx strongest-paths frequency tx-port",
    "build": "epsg source-epsg default-height level-height frequency up",
}


def options(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    """One or two options with values that no sane user gives."""
    out, command = str(folder / OUT), rng.choice(tuple(OPTIONS))
    given: Arguments = []
    known = [f"--{name}" for name in OPTIONS[command].split()]
    for name in rng.sample(known, min(len(known), rng.choice((1, 1, 2)))):
        values = [rng.choice(EXTREMES)]
        if name == "--speed":
            values = rng.choice((["1e9", "1e9"], ["nan", "1"], ["1e-300", "1e-300"], ["2", "1"]))
        if name in ("--age", "--frequencies") and rng.random() < 0.7:
            values = [f"{values[0]},{rng.choice(EXTREMES)}"]
        given += [name, *values]
    maps = str(fixtures / "map.h5")
    match command:
        case "generate" | "radiomap" | "twin":
            scene = _scene(folder, samples.RECIPE.encode())
            target = f"{out}/o.twin" if command == "twin" else f"{out}/o.h5"
            return [command, scene, "-o", target, "--quiet", *given]
        case "sample":
            how = rng.choice((str(fixtures / "tracks.csv"), "random-waypoint"))
            few = ["--ues", "1", "--duration", "2"] if "--ues" not in given else []
            return ["sample", maps, how, "-o", f"{out}/o.h5", "--quiet", *few, *given]
        case "evaluate":
            return ["evaluate", str(fixtures / "paths.h5"), "-o", f"{out}/o.h5", "--quiet", *given]
        case "at":
            return ["twin", str(fixtures / "yard.twin"), "-o", f"{out}/o.h5", *given]
        case "merge":
            return ["merge", maps, str(fixtures / "pathmap.h5"), "-o", f"{out}/o.h5", *given]
        case "update":
            twin, news = _twin(fixtures, folder), folder / "in" / "news.csv"
            news.write_text(samples.NEWS)
            return ["update", str(twin), "--measurements", str(news), "--quiet", *given]
        case "plot":
            kind = rng.choice(("delay", "angles", "receivers", "cdf"))
            file = str(fixtures / "paths.h5")
            return ["plot", file, "-o", f"{out}/o.png", "--kind", kind, *given]
        case "view":
            return ["view", str(fixtures / "paths.h5"), "-o", f"{out}/o.html", "--quiet", *given]
        case "render":
            scene = _scene(folder, samples.RECIPE.encode())
            small = ["--samples", "1"] if "--samples" not in given else []
            return ["render", scene, "-o", f"{out}/o.png", "--quiet", *small, *given]
        case "export":
            file = str(fixtures / "paths.h5")
            return ["export", file, "--to", "ns3-loss", "-o", f"{out}/o.csv", "--quiet", *given]
        case _:
            source = folder / "in" / "m.geojson"
            source.write_text(samples.as_text(samples.geojson()))
            return ["scene", "build", str(source), "-o", f"{out}/s", "--quiet", *given]


def names(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    """Names of files that are long, foreign, no files, or somewhere else."""
    pipe = folder / "in" / "pipe.h5"
    os.mkfifo(pipe)
    loop = folder / "in" / "loop.h5"
    loop.symlink_to(loop)
    (folder / "in" / "empty.h5").write_bytes(b"")
    (folder / "in" / "folder.h5").mkdir()
    odd = rng.choice(
        (
            str(folder / OUT / ("x" * 300 + ".h5")),
            str(folder / OUT / os.fsdecode(b"\xff\xfe.h5")),
            str(folder / OUT / "new\nline.h5"),
            str(folder / OUT / "no" / "such" / "folder" / "x.h5"),
            str(folder / OUT / "\u202e\u200b.h5"),
            str(pipe),
            str(loop),
            str(folder / "in" / "empty.h5"),
            str(folder / "in" / "folder.h5"),
            str(folder / "in" / "empty.h5" / "x.h5"),
            "/dev/null",
            "/dev/zero",
            "",
            ".",
            "/",
        )
    )
    maps, paths = str(fixtures / "map.h5"), str(fixtures / "paths.h5")
    good, tracks = str(folder / OUT / "o.h5"), str(fixtures / "tracks.csv")
    scene = _scene(folder, samples.RECIPE.encode())
    return rng.choice(
        (
            ["info", odd],
            ["validate", odd],
            ["generate", odd, "-o", good, "--quiet"],
            ["generate", scene, "-o", odd, "--quiet"],
            ["radiomap", scene, "-o", odd, "--quiet"],
            ["evaluate", odd, "-o", good, "--quiet"],
            ["evaluate", paths, "-o", odd, "--quiet", "--frequency", "4e9"],
            ["sample", odd, tracks, "-o", good, "--quiet"],
            ["sample", maps, odd, "-o", good, "--quiet"],
            ["sample", maps, tracks, "-o", odd, "--quiet"],
            ["plot", odd, "-o", str(folder / OUT / "o.png")],
            ["plot", maps, "-o", odd.removesuffix(".h5") + ".png"],
            ["view", odd, "-o", str(folder / OUT / "o.html"), "--quiet"],
            ["view", maps, "-o", odd.removesuffix(".h5") + ".html", "--quiet"],
            ["export", odd, "--to", "netcdf", "-o", str(folder / OUT / "o.nc"), "--quiet"],
            ["export", maps, "--to", "png", "-o", odd.removesuffix(".h5") + ".png", "--quiet"],
            ["scene", "build", odd, "-o", str(folder / OUT / "s"), "--quiet"],
            ["scene", "build", str(fixtures / "house.obj"), "-o", odd, "--quiet"],
            ["scene", "lint", odd],
            ["twin", scene, "-o", odd, "--quiet"],
            ["update", odd, "--edit", tracks, "--quiet"],
            ["update", str(_twin(fixtures, folder)), "--edit", odd, "--quiet"],
            ["merge", odd, maps, "-o", good],
            ["merge", paths, maps, "-o", odd],
            ["align", odd, paths, "-o", str(folder / OUT / "a.json")],
            ["align", paths, odd, "-o", str(folder / OUT / "a.json")],
            ["align", paths, paths, "-o", odd],
            ["calibrate", "-", odd, "-o", str(folder / OUT / "r"), "--quiet"],
            ["render", scene, "-o", odd.removesuffix(".h5") + ".png", "--samples", "1", "--quiet"],
        )
    )


KINDS: dict[str, Make] = {
    "recipe": recipe,
    "receivers": receivers,
    "mesh in recipe": mesh_in_recipe,
    "scene build": build,
    "edits": edits,
    "measurements": measurements,
    "campaign": campaign,
    "tracks": tracks,
    "tables": tables,
    "hdf5 bytes": hdf5_bytes,
    "hdf5 structure": hdf5_structure,
    "hdf5 tables": hdf5_tables,
    "options": options,
    "names": names,
}
