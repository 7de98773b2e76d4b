"""What each shipped scene costs: time, memory, paths, file size.

    python benchmarks/scene_costs.py [--receivers 1000] [SCENE ...]

Each scene runs in a process of its own, so that the peak memory is its own and
the time includes starting the engine and compiling. Prints a Markdown table.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def measure(scene: str, receivers: int) -> dict:
    """Generate one scene in this process and report what it took."""
    from rtwin.dataset import file_info, generate, validate_file
    from rtwin.scene import load_recipe

    recipe = load_recipe(scene, num_receivers=receivers)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        file = generate(recipe, Path(folder) / "paths.h5")
        seconds = time.perf_counter() - start
        assert validate_file(file) == []
        info = file_info(file)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return info | {"seconds": seconds, "peak_mib": peak, "max_depth": recipe.solver.max_depth}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*")
    parser.add_argument("--receivers", type=int, default=1000)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.receivers)))
        return
    from rtwin.scene import list_scenes

    scenes = options.scenes or [scene.name for scene in list_scenes()]
    print(f"{options.receivers} receivers, {os.cpu_count()} cores, {platform.machine()}\n")
    print("| scene | links | depth | paths | links without path | time s | peak MiB | file KiB |")
    print("|---|---|---|---|---|---|---|---|")
    for scene in scenes:
        command = [sys.executable, __file__, "--one", scene, "--receivers", str(options.receivers)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        r = json.loads(run.stdout)
        print(
            f"| {scene} | {r['num_links']} | {r['max_depth']} | {r['num_paths']} "
            f"| {r['num_links_without_path']} | {r['seconds']:.1f} | {r['peak_mib']:.0f} "
            f"| {r['bytes'] / 1024:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
