"""The report of a build: what was built, left out and assumed (build.json)."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from rtwin.errors import GeometryError
from rtwin.scene._model import one_line
from rtwin.scene.build.objects import BuiltScene

REPORT = "build.json"


def read_report(folder: Path) -> dict[str, Any]:
    """The report of the build that made a scene folder; empty if there is none.

    Raises:
        GeometryError: if it cannot be read.
    """
    file = folder / REPORT
    if not file.is_file():
        return {}
    try:
        if file.stat().st_size > 64 * 2**20:
            raise ValueError("too large")
        report = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise GeometryError(
            f"{file}: cannot be read ({one_line(error)[:80]}); build again"
        ) from None
    return report if isinstance(report, dict) else {}


def summary(
    scene: BuiltScene, sources: list[str], default_height_m: float, seconds: float
) -> dict[str, Any]:
    """What was built, for build.json and the command line."""
    buildings = scene.of("building")
    names = set(scene.default_heights)
    defaulted = [item for item in scene.objects if item.name in names]
    triangles = sum(len(item.faces) for item in scene.objects if item.faces is not None)
    return {
        "sources": sources,
        "buildings": len({item.name.removesuffix("_roof") for item in buildings}),
        "structures": len(scene.of("structure")),
        "vegetation": len(scene.of("vegetation")),
        "water": len(scene.of("water")),
        "ways": len(scene.ways),
        "mesh_triangles": triangles,
        "materials": dict(sorted(Counter(item.material for item in scene.objects).items())),
        "default_height_m": default_height_m,
        "heights_defaulted": len(defaulted),
        "default_height_objects": {
            item.name: round(item.top_m - item.base_m, 3) for item in defaulted
        },
        "hanging_objects": sorted(scene.hanging),
        "notes": dict(sorted(scene.notes.items())),
        "unused": dict(scene.unused.most_common()),
        "seconds": round(seconds, 3),
    }
