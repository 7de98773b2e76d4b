"""One snapshot of a twin, and what an update notes for the next one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Floats
from rtwin.dataset import RadioMap, open_radio_map
from rtwin.dataset.inspection import open_checked, scene_folder
from rtwin.dataset.schema import MAP_FORMAT, TWIN_LAYOUT
from rtwin.errors import StoreError
from rtwin.horizontal.decision import Decision
from rtwin.horizontal.edits import apply_edits, edits_from_dict
from rtwin.horizontal.twin.stored_paths import read_traces
from rtwin.horizontal.twin.traced import Maps, TwinState
from rtwin.scene import Recipe, load_recipe, recipe_from_dict
from rtwin.shown import Shown
from rtwin.trace import (
    PATH_COLUMNS,
    MapGrid,
    SceneParts,
    StoredChains,
    TransmitterTrace,
    load_parts,
    scene_hash,
    start_engine,
)

_World = tuple[Recipe, SceneParts]
PRESERVED, UPDATED, RETRACED = (int(code) for code in Decision)
DECISIONS = ("preserve", "update", "re-trace")
# What ray tracing of a world known to its materials' names alone is off by, outdoors: see
# docs/calibration.md. A twin that was calibrated or corrected states less.
UNCERTAINTY_DB = 6.0
MAX_UNCERTAINTY_DB = 100.0  # ten decades: whoever knows less knows nothing
_COLUMNS = (
    "is_inside",
    "uncertainty_db",
    "traced_snapshot",
    "decision",
    "tx_decision",
    "tx_seconds",
)
_TEXTS = ("content_hash", "parent", "created", "news")


@dataclass(frozen=True, eq=False)
class Note:
    """What an update decided, and why."""

    news: str  # what happened, in a line
    decision: NDArray[np.uint8]  # [tx, cell_y, cell_x]: PRESERVED, UPDATED, RETRACED
    tx_decision: Sequence[int]  # [tx]
    tx_reason: Sequence[str]  # [tx]
    tx_seconds: Sequence[float]  # [tx]
    uncertainty_db: NDArray[np.floating[Any]]  # [tx, cell_y, cell_x]
    seconds: float  # of everything
    full_s: float  # what tracing everything took when the twin was made, or last measured
    more: Mapping[str, Any] = field(default_factory=dict)  # further facts, for JSON

    def said(self, **facts: str) -> "Note":
        """The note with further facts, of which empty ones are left out."""
        return replace(self, more={**self.more, **{k: v for k, v in facts.items() if v}})


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot(Shown):
    """One state of a twin as its file says it."""

    file: Path
    number: int
    content_hash: str
    parent: str  # content hash of the snapshot before; "" for the first
    created: str  # date and time, UTC, ISO 8601
    news: str
    edits: tuple[dict[str, Any], ...]  # all edits files since the first build, in order
    seconds: float
    full_s: float
    more: dict[str, Any]
    request: str  # SHA-256 of what the snapshot was asked for with; "" in files of before
    radio_map: RadioMap
    is_inside: Bools  # [cell_y, cell_x]
    uncertainty_db: NDArray[np.float32]  # [tx, cell_y, cell_x]
    traced_snapshot: NDArray[np.int32]  # [tx, cell_y, cell_x]
    decision: NDArray[np.uint8]  # [tx, cell_y, cell_x]
    tx_decision: NDArray[np.uint8]  # [tx]
    tx_reason: tuple[str, ...]
    tx_seconds: Floats

    def facts(self) -> dict[str, object]:
        """What it is, in a few words each."""
        return {
            "twin": self.folder,
            "snapshot": self.number,
            "made": self.created,
            "news": self.news or "none",
            **self.radio_map.facts(),
        }

    @property
    def folder(self) -> Path:
        """The folder of the twin."""
        return self.file.parent

    @property
    def recipe(self) -> Recipe:
        """The recipe after all edits; its [[object]] tables are those of the first build."""
        return recipe_from_dict(
            self.radio_map.attributes["recipe"], str(self.radio_map.attributes["scene"])
        )

    @property
    def maps(self) -> Maps:
        """Path gain and what maps from paths hold besides, [tx, cell_y, cell_x] each."""
        return {"path_gain": self.radio_map.path_gain, **self.radio_map.path_statistics}

    @property
    def scene_hash(self) -> str:
        """SHA-256 of what a wave can feel of the world that the map is of."""
        return str(self.radio_map.attributes["scene_hash"])

    @property
    def num_pending(self) -> int:
        """How many of the last edits files are in the maps and not in the stored paths."""
        return int(self.more.get("pending", 0))

    @property
    def pending_edits(self) -> tuple[dict[str, Any], ...]:
        """These edits files, in order."""
        return self.edits[len(self.edits) - self.num_pending :]

    def world(self, scene: str | Path | None = None) -> tuple[Recipe, SceneParts]:
        """Recipe and parts: the first build's, with all edits made again.

        Args:
            scene: The recipe, where its geometry is in files that the twin cannot find.
        Raises:
            StoreError: if the scene is not what it was.
        """
        (recipe, parts), _ = self._worlds(scene)
        return recipe, parts

    def _worlds(self, scene: str | Path | None) -> tuple[_World, _World]:
        """The world that the maps are of, and the one that the stored paths are of."""
        attributes = self.radio_map.attributes
        data, name = attributes["base_recipe"], str(attributes["scene"])
        recipe = recipe_from_dict(data, name, "." if scene is None else load_recipe(scene).folder)
        if recipe.has_files and scene is None:
            folder = scene_folder(attributes)
            if folder is None:
                raise StoreError(
                    f"{self.folder}: the geometry of {name!r} is in files that are not where they "
                    "were; name the recipe with scene"
                )
            recipe = recipe_from_dict(data, name, folder)
        world = traced = recipe, load_parts(start_engine(), recipe)
        for number, table in enumerate(self.edits):
            world = apply_edits(edits_from_dict(table), *world)
            if number < len(self.edits) - self.num_pending:
                traced = world
        if scene_hash(*world) != self.scene_hash:
            raise StoreError(
                f"{self.file}: was traced in another scene than {name!r} is now; make a new twin"
            )
        return world, traced

    @cached_property
    def grid(self) -> MapGrid:
        """The cells of the map.

        Raises:
            StoreError: if the file is damaged.
        """
        attributes = self.radio_map.attributes
        with open_checked(self.file, MAP_FORMAT) as h5:
            corner_z_m = h5["corner_z_m"][...]
        shape = self.is_inside.shape
        if corner_z_m.shape != (shape[0] + 1, shape[1] + 1):
            raise StoreError(f"{self.file}: corner_z_m does not fit the map; the file is damaged")
        low = tuple(float(x) for x in attributes["low_m"])
        if len(low) != 2:
            raise StoreError(f"{self.file}: low_m is {low}; the file is damaged")
        return MapGrid((low[0], low[1]), float(attributes["cell_size_m"]), shape, corner_z_m)

    def without_paths(self) -> TwinState:
        """The state of the maps, for updates of the maps alone: paths and parts stay on disk."""
        attributes = self.radio_map.attributes
        return TwinState(
            recipe=self.recipe,
            parts=SceneParts([], {}, [], {}),
            grid=self.grid,
            traces=tuple(_nothing() for _ in self.radio_map.tx_name),
            maps=self.maps,
            is_inside=self.is_inside,
            attributes={k: attributes[k] for k in _OF_SCENE if k in attributes},
        )

    def state(self, scene: str | Path | None = None) -> TwinState:
        """Everything that an update starts from: the stored paths, and the world they are of.

        Pending edits are in its maps alone.
        """
        _, (recipe, parts) = self._worlds(scene)
        attributes = dict(self.radio_map.attributes)
        if self.num_pending:
            attributes["scene_hash"] = scene_hash(recipe, parts)
        with open_checked(self.file, MAP_FORMAT) as h5:
            numbers = h5["path_snapshot"][...]
        shape, names = self.is_inside.shape, self.radio_map.tx_name
        return TwinState(
            recipe=recipe,
            parts=parts,
            grid=self.grid,
            traces=read_traces(self.folder, names, numbers, shape[0] * shape[1], parts),
            maps=self.maps,
            is_inside=self.is_inside,
            attributes={k: attributes[k] for k in _OF_SCENE if k in attributes},
        )


def _nothing() -> TransmitterTrace:
    """A trace that stands for one that was not read."""
    none = np.zeros(0, np.int64)
    chains = StoredChains(none, none, none.astype(np.uint32), none.astype(np.uint8))
    columns: dict[str, Any] = dict.fromkeys(PATH_COLUMNS, none)
    return TransmitterTrace(chains, **columns)


ABOUT_SCENE = (
    *("title", "scene", "geometry_hash", "scene_hash", "source", "licence"),
    *("frequency_hz", "seed", "variant"),
)
"""Attributes of a map that say of which world it is."""
_OF_SCENE = (*ABOUT_SCENE, "recipe", "remarks")


def read_snapshot(file: Path) -> Snapshot:
    """Read a snapshot's file.

    Raises:
        StoreError: if it is missing, broken, foreign or no snapshot.
    """
    with open_checked(file, MAP_FORMAT) as h5:
        if "snapshot" not in h5.attrs or any(v.name not in h5 for v in TWIN_LAYOUT):
            raise StoreError(f"{file}: is no snapshot of a twin")
        try:
            found: dict[str, Any] = {name: h5[name][...] for name in _COLUMNS}
            found |= {name: str(h5.attrs[name]) for name in _TEXTS}
            found |= {name: float(h5.attrs[name]) for name in ("seconds", "full_s")}
            found["tx_reason"] = tuple(h5["tx_reason"].asstr()[...])
            found["edits"] = tuple(json.loads(h5.attrs["edits"]))
            found["more"] = dict(json.loads(h5.attrs["more"]))
            found["number"] = int(h5.attrs["snapshot"])
            found["request"] = str(h5.attrs.get("request_hash", ""))
        except StoreError:
            raise
        except (KeyError, ValueError, OSError, TypeError):
            raise StoreError(f"{file}: a snapshot that is cut off or damaged") from None
    found["is_inside"] = found["is_inside"].astype(bool)
    return Snapshot(file=file, radio_map=open_radio_map(file), **found)
