"""A run of 10^7 links that is killed once: how long, how much memory, what the kill costs.

    python benchmarks/large_run.py [--masts 10] [--receivers 100000] [--workers 2]
        [--kill-after 180] [-o FOLDER]

Munich, masts of isotropic antennas on a square grid of 38 m at a height of 35 m,
reflections only. The command is killed (SIGKILL, with all its workers) and given again.
"Merge" is from the last shard to the file. Memory is what the processes have to themselves
and their shares of what is shared, looked up twice a second. Prints a Markdown table; what
was made stays in FOLDER. Linux only.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPACING_M, HEIGHT_M = 38.0, 35.0
LOOK_S = 0.5


MAST = """[[transmitter]]
name = "tx_{number}"
position_m = [{x}, {y}, {z}]
power_dbm = 44.0
antenna = {{ pattern = "iso", polarization = "V" }}
"""
SOLVER = """[solver]
max_depth = 3
diffraction = false
refraction = false
"""


def write_recipe(file: Path, masts: int) -> None:
    """Munich with masts x masts transmitters."""
    from rtwin.scene import scenes_folder

    text = (scenes_folder() / "munich" / "scene.toml").read_text(encoding="utf-8")
    scene = text[: text.index("[[transmitter]]")]
    receivers = text[text.index("[receivers]") : text.index("[solver]")]
    radio_map = text[text.index("[radio_map]") :]
    places = [SPACING_M * (number - (masts - 1) / 2) for number in range(masts)]
    made = [
        MAST.format(number=masts * i + j + 1, x=x, y=y, z=HEIGHT_M)
        for i, x in enumerate(places)
        for j, y in enumerate(places)
    ]
    file.write_text("\n".join([scene, *made, receivers, SOLVER, radio_map]), encoding="utf-8")


def memory_mib(group: int) -> float:
    """What the processes of a group take, each page of it once."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) == group:
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += int(next(line for line in lines if line.startswith("Pss:")).split()[1])
        except (OSError, StopIteration):  # it has ended
            continue
    return total / 1024


def run(command: list[str], file: Path, limit_s: float) -> dict[str, float]:
    """Run a command for so long at most, and watch what it makes."""
    shards = file.with_name(file.name + ".parts")
    start = time.monotonic()
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    peak, traced, count = 0.0, start, -1
    while process.poll() is None:
        found = len(list(shards.glob("shard-??????.h5"))) if shards.is_dir() else 0
        if found > count:
            count, traced = found, time.monotonic()
        if time.monotonic() - start > limit_s:
            os.killpg(process.pid, signal.SIGKILL)
        peak = max(peak, memory_mib(process.pid))
        time.sleep(LOOK_S)
    end = time.monotonic()
    if process.returncode not in (0, -signal.SIGKILL):
        raise SystemExit(f"{' '.join(command)} failed")
    return {"s": end - start, "merge_s": end - traced, "shards": count, "peak_mib": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--masts", type=int, default=10, help="along one side of the grid")
    parser.add_argument("--receivers", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kill-after", type=float, default=180.0, metavar="S")
    parser.add_argument("-o", "--output", type=Path, default=None, metavar="FOLDER")
    options = parser.parse_args()
    from rtwin.dataset import file_info

    folder = options.output or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    recipe, file = folder / "large.toml", folder / "large.h5"
    write_recipe(recipe, options.masts)
    words = ["generate", recipe, "-o", file, "--receivers", options.receivers]
    words += ["--workers", options.workers, "--quiet"]
    command = [sys.executable, "-m", "rtwin", *map(str, words)]
    print("| run | s | of it merge s | shards then | peak MiB |\n|---|---|---|---|---|", flush=True)
    for name, limit_s in (("killed", options.kill_after), ("again", float("inf"))):
        found = run(command, file, limit_s)
        merge = f"{found['merge_s']:.0f}" if name == "again" else ""
        print(
            f"| {name} | {found['s']:.0f} | {merge} | {found['shards']:.0f} "
            f"| {found['peak_mib']:.0f} |",
            flush=True,
        )
    info = file_info(file)
    print(
        f"\n{info['num_links']} links, {info['num_paths']} paths, "
        f"{info['bytes'] / 2**20:.0f} MiB, {info['content_hash']}: {file}"
    )


if __name__ == "__main__":
    main()
