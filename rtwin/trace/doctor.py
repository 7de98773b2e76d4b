"""Whether the engine works here, and what it works with."""

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from rtwin.channel import free_space_path_loss_db
from rtwin.errors import RtwinError
from rtwin.scene import load_recipe, recipe_from_dict
from rtwin.trace.engine import find_llvm, start_engine
from rtwin.trace.paths import Tracer
from rtwin.trace.world import load_world, place
from rtwin.units import to_db

PACKAGES = (
    "rtwin",
    "sionna-rt",
    "mitsuba",
    "drjit",
    "numpy",
    "h5py",
    "xarray",
    "trimesh",
    "tensorflow",
)
FRIIS_TOLERANCE_DB = 0.01
_DISTANCE_M = 100.0
# Outdoors and indoors, with and without edges; a recipe of one's own will mostly be like one.
WARM_UP = (("courtyard", 3), ("office", 4), ("munich", 3), ("munich", 5))


def examine() -> dict[str, Any]:
    """Versions, engine, hardware, and a self-test against Friis; ready for JSON.

    Returns:
        `ok` says whether the engine runs and agrees with Friis to 0.01 dB;
        `problem` holds one line if it does not.
    """
    report: dict[str, Any] = {
        "ok": False,
        "problem": None,
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "gpu": _gpu(),
        "versions": {name: _version(name) for name in PACKAGES},
        "variant": None,
        "llvm": None,
        "self_test": None,
    }
    try:
        report["llvm"] = find_llvm()
        report["variant"] = start_engine().variant
        report["self_test"] = _friis_test()
    except RtwinError as error:
        report["problem"] = str(error)
        return report
    report["ok"] = abs(report["self_test"]["error_db"]) < FRIIS_TOLERANCE_DB
    if not report["ok"]:
        report["problem"] = (
            f"the engine is {report['self_test']['error_db']:+.3f} dB off Friis at "
            f"{_DISTANCE_M:g} m, allowed is {FRIIS_TOLERANCE_DB} dB; reinstall sionna-rt"
        )
    return report


def warm_up(
    scenes: Sequence[tuple[str, int]] = WARM_UP, done: Callable[[int], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Trace a few receivers of some shipped scenes, so that later processes find the kernels.

    Dr.Jit keeps compiled kernels on disk for all processes of a user. What a recipe follows
    (refraction, edges, depth, kinds of antennas) decides which it needs.

    Args:
        scenes: Names of shipped scenes and depths.
        done: Called with the number of scenes so far.
    Returns:
        Of each scene its `scene` and `max_depth`, how many kernels were `compiled` and how
        many `read` from disk, and the `seconds` that loading and tracing it took.
    Checked by tests/trace/engine/test_warm_up.py.
    """
    dr = start_engine().dr
    found = []
    for name, depth in scenes:
        start = time.perf_counter()
        dr.kernel_history_clear()
        with dr.scoped_set_flag(dr.JitFlag.KernelHistory, True):
            world = load_world(load_recipe(name, num_receivers=20, max_depth=depth))
            Tracer(world).trace(place(world))
            kernels = [entry for entry in dr.kernel_history() if "cache_hit" in entry]
        found.append(
            {
                "scene": name,
                "max_depth": depth,
                "compiled": sum(not kernel["cache_hit"] for kernel in kernels),
                "read": sum(bool(kernel["cache_disk"]) for kernel in kernels),
                "seconds": time.perf_counter() - start,
            }
        )
        done(len(found))
    return found


def _friis_test() -> dict[str, float]:
    start = time.perf_counter()
    recipe = recipe_from_dict(
        {
            "title": "Friis",
            "frequency_hz": 3.5e9,
            "object": [
                {
                    "name": "plate",
                    "material": "metal",
                    "shape": "plane",
                    "center_m": [0, 0, -50],
                    "size_m": [1, 1],
                }
            ],
            "transmitter": [{"name": "tx", "position_m": [0, 0, 10]}],
            "receivers": {"kind": "list", "positions_m": [[_DISTANCE_M, 0, 10]]},
            "solver": {"max_depth": 1, "rays": 1000},
        },
        "self-test",
    )
    world = load_world(recipe)
    traced = Tracer(world).trace(place(world))
    direct = np.abs(traced.a[(traced.interactions == 0).all(axis=1)]) ** 2
    loss_db = float(-to_db(direct.sum()))
    expected_db = float(free_space_path_loss_db(_DISTANCE_M, recipe.frequency_hz))
    return {
        "path_loss_db": loss_db,
        "friis_db": expected_db,
        "error_db": loss_db - expected_db,
        "seconds": time.perf_counter() - start,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _memory_gib() -> float | None:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    return round(size / 2**30, 1)


def _gpu() -> str | None:
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    try:
        run = subprocess.run(
            [command, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    names = run.stdout.strip().splitlines()
    return names[0] if run.returncode == 0 and names else None
