"""How long a scene takes to build from a map: time and memory by number of buildings.

    python benchmarks/scene_build.py [--buildings 1000 10000]

The map is drawn for the purpose: OpenStreetMap XML with rows of houses of four to
twelve corners, every third with a pitched roof, streets and trees between them. Each
size runs in a process of its own. Prints a Markdown table.
"""

import argparse
import json
import math
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def draw_map(path: Path, buildings: int) -> None:
    """Write an OpenStreetMap file of about square extent."""
    random.seed(1)
    side = math.ceil(math.sqrt(buildings))
    nodes: list[str] = []
    ways: list[str] = []
    number = 0

    def ring(x: float, y: float, corners: int) -> list[int]:
        nonlocal number
        first = number + 1
        for k in range(corners):
            number += 1
            angle = 2 * math.pi * k / corners
            lat, lon = y + 8e-5 * math.sin(angle), x + 1.2e-4 * math.cos(angle)
            nodes.append(f'<node id="{number}" lat="{lat:.7f}" lon="{lon:.7f}"/>')
        return [*range(first, number + 1), first]

    def way(refs: list[int], **tags: str) -> None:
        inner = "".join(f'<nd ref="{r}"/>' for r in refs)
        inner += "".join(f'<tag k="{k.replace("__", ":")}" v="{v}"/>' for k, v in tags.items())
        ways.append(f'<way id="{len(ways) + 1}">{inner}</way>')

    for i in range(buildings):
        x, y = 8.0 + (i % side) * 3.5e-4, 50.0 + (i // side) * 2.5e-4
        refs = ring(x, y, random.choice([4, 4, 4, 6, 8, 12]))
        roof = "gabled" if i % 3 == 0 else "flat"
        way(refs, building="yes", building__levels=str(1 + i % 6), roof__shape=roof)
        if i % 10 == 0:
            way(ring(x + 1.7e-4, y, 8)[:-1], highway="footway")
    text = "\n".join(nodes + ways)
    path.write_text(f'<?xml version="1.0"?>\n<osm version="0.6">\n{text}\n</osm>\n')


def measure(buildings: int) -> dict:
    """Build one map in this process and report what it took."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "map.osm"
        draw_map(source, buildings)
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        start, cpu = time.perf_counter(), time.process_time()
        from rtwin.scene.build import build_scene

        report = build_scene([source], Path(folder) / "scene")
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
        from rtwin.scene import load_recipe, mesh_arrays
        from rtwin.scene.lint import lint_scene

        cpu = time.process_time()
        recipe = load_recipe(Path(folder) / "scene")
        load_seconds = time.process_time() - cpu
        mesh_arrays(recipe)  # as the build left them
        kept_seconds = time.process_time() - cpu - load_seconds
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "empty")
        cpu = time.process_time()
        mesh_arrays(recipe)
        mesh_seconds = time.process_time() - cpu
        cpu = time.process_time()
        findings = lint_scene(recipe)
        lint_seconds = time.process_time() - cpu
        size = source.stat().st_size
    assert report["buildings"] == buildings, report
    assert not [f for f in findings if f.severity != "note"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": seconds,
        "cpu": cpu_seconds,
        "load": load_seconds,
        "meshed": mesh_seconds,
        "kept": kept_seconds,
        "lint": lint_seconds,
        "peak_mib": peak,
        "kib": size / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--buildings", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    print(f"{os.cpu_count()} cores, {platform.machine()}\n")
    print(
        "| buildings | map KiB | build s | build CPU s | read recipe CPU s | mesh CPU s "
        "| again CPU s | lint CPU s | peak MiB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for count in options.buildings:
        command = [sys.executable, __file__, "--one", str(count)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        r = json.loads(run.stdout)
        print(
            f"| {count} | {r['kib']:.0f} | {r['seconds']:.1f} | {r['cpu']:.1f} | {r['load']:.1f} "
            f"| {r['meshed']:.1f} | {r['kept']:.1f} | {r['lint']:.1f} | {r['peak_mib']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
