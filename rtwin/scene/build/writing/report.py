"""The report of a build: what was built, left out and assumed (build.json)."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rtwin
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


def request_hash(sources: Sequence[Path], options: Sequence[Any]) -> str:
    """SHA-256 of what decides a build: the content of its files, the options, the version.

    Raises:
        GeometryError: if a file cannot be read.
    """
    digest = hashlib.sha256(json.dumps([rtwin.__version__, *options]).encode())
    for source in sources:
        try:
            with open(source, "rb") as file:
                digest.update(f"\0{source.name}\0".encode("utf-8", "replace"))
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except FileNotFoundError:
            raise GeometryError(f"{source}: no such file; give a map or mesh file") from None
        except OSError as error:
            raise GeometryError(f"{source}: cannot be read ({error.strerror})") from None
    return digest.hexdigest()


def finished_build(folder: Path, request: str) -> dict[str, Any] | None:
    """The report of a folder that was built for this request and has all its files still."""
    try:
        report = read_report(folder)
        files = [folder / str(name) for name in report.get("files", [])]
    except (GeometryError, TypeError):
        return None  # whoever writes there says what is wrong with it
    is_whole = bool(files) and all(file.is_file() for file in files)
    return report if is_whole and report.get("request_hash") == request else None


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
