"""From files to one HTML page that needs no network."""

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import numpy as np

import rtwin
from rtwin.arrays import Floats
from rtwin.dataset import open_dataset, open_radio_map
from rtwin.dataset.inspection import snapshot_files
from rtwin.dataset.store import plain_errors, write_whole
from rtwin.errors import OutOfRangeError, RtwinError, StoreError
from rtwin.files import MARK, check_replaceable
from rtwin.plot.style import (
    CATEGORIES,
    GREEN,
    GREY,
    ORANGE,
    UNREACHED,
    VERMILION,
    color_table,
    frequency,
)
from rtwin.progress import Progress, silent
from rtwin.scene import Recipe
from rtwin.trace import place
from rtwin.view.buffers import Buffers
from rtwin.view.links import MAX_PATHS, MAX_RECEIVERS, add_links, choose
from rtwin.view.maps import add_map
from rtwin.view.model import add_scene, scene_model
from rtwin.view.sources import Sources, find_sources

SCRIPTS = ("data", "colors", "stage", "layers", "paths", "pick", "panel", "link", "main")
MAX_TEXT = 300


@dataclass(frozen=True)
class PageSummary:
    """What was written."""

    file: Path
    num_bytes: int
    remarks: tuple[str, ...]  # what was left out, and why


def write_page(
    files: Sequence[str | Path] | str | Path,
    page: str | Path,
    *,
    scene: str | Path | None = None,
    max_receivers: int = MAX_RECEIVERS,
    max_paths: int = MAX_PATHS,
    progress: Progress = silent,
) -> PageSummary:
    """Write a page to look around in: a scene in 3D with what its files hold.

    Args:
        files: A dataset of paths, a radio map or a twin, both, or a scene (name, folder
            or .toml file) alone.
        page: Where to, an .html file; appears whole or not at all.
        scene: The scene of the files, where its geometry is in files of its own
            that do not stand beside them.
        max_receivers: Most receivers on the page.
        max_paths: Most paths on the page; each link keeps its strongest.
        progress: Called with stage ("view"), steps done and in all.
    Returns:
        The file, its size and remarks on what was left out.
    Raises:
        OutOfRangeError: if there are two files of a kind, or none, or a limit is below 1.
        StoreError: if a file cannot be read, the files do not belong together,
            or the page cannot be written.
        RecipeError, GeometryError: if a scene that was named cannot be loaded.
        MissingExtraError: if matplotlib, whose colour maps are used, is not installed.
    Source: own layout; checked by tests/view.
    """
    page = Path(page)
    if page.suffix.lower() not in (".html", ".htm"):
        raise StoreError(f"{page}: a page ends in .html; give it such a name")
    check_replaceable(page)
    if min(max_receivers, max_paths) < 1:
        raise OutOfRangeError(
            f"max_receivers is {max_receivers} and max_paths is {max_paths}; both must be 1 or more"
        )
    given = [files] if isinstance(files, str | Path) else list(files)
    tables = {name: color_table(name) for name in ("viridis", "cividis", "twilight")}
    sources = find_sources(given, scene)
    buffers = Buffers()
    for name, table in tables.items():
        buffers.add(name, "u1", table)
    try:
        content = _content(buffers, sources, max_receivers, max_paths, progress)
        text = _html(content, buffers)
    except RtwinError:
        raise
    except (KeyError, ValueError) as error:
        # A file out of another hand may lack a variable or hold NaN where a number must be.
        reason = " ".join(str(error).split())
        raise StoreError(
            f"{', '.join(map(str, given))}: not all that a page needs is there ({reason}); "
            "`rtwin validate` says what is wrong"
        ) from error
    with plain_errors(page):
        page.parent.mkdir(parents=True, exist_ok=True)
        write_whole(page, text)
    progress("view", 1, 1)
    return PageSummary(page, len(text), tuple(content["remarks"]))


def _content(
    buffers: Buffers, sources: Sources, max_receivers: int, max_paths: int, progress: Progress
) -> dict[str, Any]:
    """All that a page says, as JSON; its arrays go into `buffers`."""
    recipe, world = sources.recipe, sources.world
    remarks = list(sources.remarks)
    content: dict[str, Any] = {
        "title": recipe.title,
        "scene_name": recipe.name,
        "frequency": frequency({"frequency_hz": recipe.frequency_hz}),
        "source": recipe.source,
        "licence": recipe.licence,
        "environment": recipe.environment,
        "rtwin": rtwin.__version__,
        "files": [_name(file) for file in (sources.paths, sources.radio_map) if file is not None],
        "tx": _transmitters(recipe),
        "camera": _camera(recipe),
        "palette": {
            "categories": CATEGORIES,
            "tx": VERMILION,
            "unreached": UNREACHED,
            "grey": GREY,
            "yes": GREEN,
            "no": ORANGE,
        },
        "scene": None,
        "links": None,
        "map": None,
    }
    if world is not None:
        model = scene_model(world)
        content["scene"] = add_scene(buffers, world, model)
        remarks += model.remarks
    if sources.paths is not None:
        with open_dataset(sources.paths) as dataset:
            if world is None:
                content["objects"] = [str(name) for name in dataset.read("object_name")]
                content["materials"] = [str(name) for name in dataset.read("material_name")]
            choice = choose(dataset.num_paths, dataset.num_tx, max_receivers, max_paths)
            content["links"], left = add_links(buffers, dataset, choice, progress)
            remarks += left
    elif sources.radio_map is None and world is not None:
        remarks += _placed(buffers, world, max_receivers)
    if sources.radio_map is not None:
        content["map"], left = add_map(buffers, open_radio_map(sources.radio_map))
        remarks += left
    return _clean(
        {
            **content,
            "remarks": remarks,
            "file_remarks": sources.file_remarks,
            "buffers": buffers.entries,
        }
    )


def _name(file: Path) -> str:
    """A file's name; of a snapshot, its twin's."""
    return file.parent.name if file in snapshot_files(file.parent) else file.name


def _transmitters(recipe: Recipe) -> list[dict[str, Any]]:
    return [
        {
            "name": tx.name,
            "position_m": list(tx.position_m),
            "power_dbm": tx.power_dbm,
            "azimuth_deg": float(np.degrees(tx.orientation_rad[0])),
            "downtilt_deg": float(np.degrees(tx.orientation_rad[1])),
            "pattern": tx.antenna.pattern,
        }
        for tx in recipe.transmitter
    ]


def _camera(recipe: Recipe) -> dict[str, Any] | None:
    camera = recipe.camera
    if camera is None:
        return None
    return {
        "position_m": list(camera.position_m),
        "look_at_m": list(camera.look_at_m),
        "clip_at_m": camera.clip_at_m,
    }


def _placed(buffers: Buffers, world: Any, max_receivers: int) -> list[str]:
    """The receivers that a scene asks for, before anything is traced."""
    position: Floats = place(world).position_m
    rows = np.arange(len(position))
    if len(rows) > max_receivers:
        rows = rows[:max_receivers]
    buffers.add("rx_row", "u4", rows)
    buffers.add("rx_position", "f4", position[rows])
    remarks = ["Nothing is traced here: the receivers stand where `rtwin generate` puts them."]
    if len(rows) < len(position):
        remarks.append(f"Receivers: the first {len(rows):,} of {len(position):,} are here.")
    return remarks


def _clean(value: Any) -> Any:
    """JSON-able data whose texts hold no control characters and end somewhere.

    Direction marks and the like could make a name look like another one.
    """
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, str):
        text = "".join(c if c.isprintable() else " " for c in value)
        return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 4] + " ..."
    return value


def _html(content: dict[str, Any], buffers: Buffers) -> bytes:
    """The page. Data stand in blocks that no browser runs, and only our scripts may run."""
    assets = package_files("rtwin.view") / "assets"

    def asset(name: str) -> str:
        return (assets / name).read_text(encoding="utf-8")

    three = asset("vendor/three.min.js")
    body = "\n".join(asset(f"{name}.js") for name in SCRIPTS)
    viewer = f'"use strict";\n(() => {{\n{body}}})();\n'
    style = asset("page.css")
    policy = (
        f"default-src 'none'; script-src {_allowed(three)} {_allowed(viewer)}; "
        f"style-src {_allowed(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    )
    # JSON has no use for < outside of strings, where \u003c means the same.
    data = json.dumps(content, allow_nan=False, ensure_ascii=True).replace("<", "\\u003c")
    values = {
        "MARK": MARK,
        "TITLE": html.escape(f"{content['title']} - rtwin"),
        "POLICY": html.escape(policy, quote=True),
        "STYLE": style,
        "THREE": three,
        "THREE_LICENCE": asset("vendor/three.LICENSE").strip(),
        "VIEWER": viewer,
        "DATA": data,
        "ARRAYS": buffers.encode(),
    }
    # Cut at the marks once, so that no value is searched for marks again.
    parts = asset("page.html").split("{{")
    text = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition("}}")
        text += [values[name], rest]
    return "".join(text).encode("utf-8")


def _allowed(text: str) -> str:
    """What a content security policy calls this text of a script or style."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
