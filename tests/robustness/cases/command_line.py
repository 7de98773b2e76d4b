"""Options with values that no sane user gives, and names of files that are none."""

import os
import random
from pathlib import Path

from .. import samples
from .words import OUT, Arguments, put_scene, put_twin

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
            scene = put_scene(folder, samples.RECIPE.encode())
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
            twin, news = put_twin(fixtures, folder), folder / "in" / "news.csv"
            news.write_text(samples.NEWS)
            return ["update", str(twin), "--measurements", str(news), "--quiet", *given]
        case "plot":
            kind = rng.choice(("delay", "angles", "receivers", "cdf"))
            file = str(fixtures / "paths.h5")
            return ["plot", file, "-o", f"{out}/o.png", "--kind", kind, *given]
        case "view":
            return ["view", str(fixtures / "paths.h5"), "-o", f"{out}/o.html", "--quiet", *given]
        case "render":
            scene = put_scene(folder, samples.RECIPE.encode())
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
    scene = put_scene(folder, samples.RECIPE.encode())
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
            ["update", str(put_twin(fixtures, folder)), "--edit", odd, "--quiet"],
            ["merge", odd, maps, "-o", good],
            ["merge", paths, maps, "-o", odd],
            ["align", odd, paths, "-o", str(folder / OUT / "a.json")],
            ["align", paths, odd, "-o", str(folder / OUT / "a.json")],
            ["align", paths, paths, "-o", odd],
            ["calibrate", "-", odd, "-o", str(folder / OUT / "r"), "--quiet"],
            ["render", scene, "-o", odd.removesuffix(".h5") + ".png", "--samples", "1", "--quiet"],
        )
    )
