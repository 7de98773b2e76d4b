"""What could happen to a twin's world: edits worth rehearsing, those that change most first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy import sparse

from rtwin.arrays import Floats, Ints
from rtwin.horizontal.edits import Edit, edits_from_dict
from rtwin.horizontal.twin import TwinState
from rtwin.scene import Volume
from rtwin.trace import Part

Kind = Literal["gone", "material", "moved", "added", "tx_fed", "tx_moved", "tx_off"]
KINDS: tuple[Kind, ...] = ("gone", "material", "moved", "added", "tx_fed", "tx_moved", "tx_off")
PALETTE = ("metal", "concrete", "glass", "wood")
# Boxes that may appear: car, bus, container, pavilion, houses [m].
SIZES_M = (
    (4.5, 1.9, 1.6),
    (10.0, 2.6, 3.4),
    (3.0, 3.0, 3.0),
    (8.0, 8.0, 8.0),
    (14.0, 10.0, 12.0),
    (20.0, 14.0, 18.0),
)
SMALL_M = 30.0  # objects up to this length move
UNDER_M = 0.3  # new boxes reach below the ground: faces on each other are left to chance
STEPS_M = (2.0, 4.0, 8.0)  # how far masts and objects are moved
_SHARES: dict[Kind, float] = {
    "gone": 0.2,
    "material": 0.16,
    "moved": 0.14,
    "added": 0.22,
    "tx_moved": 0.16,
    "tx_fed": 0.1,
    "tx_off": 0.02,
}
_LEAST_SHARE = 0.02  # of a cell's power, for an object to be heard there


@dataclass(frozen=True)
class Hypothesis:
    """Something that may happen, or may have happened."""

    kind: Kind
    subject: str  # the object or transmitter
    values: tuple[float, ...] = ()  # its continuous parameters
    detail: dict[str, Any] = field(default_factory=dict)  # what else the edit needs

    @property
    def edits(self) -> tuple[Edit, ...]:
        """As an edits file would say it."""
        return edits_from_dict({"edit": self.tables}).edit

    @property
    def tables(self) -> list[dict[str, Any]]:
        """The [[edit]] tables."""
        members = self.detail.get("members", [self.subject])
        match self.kind:
            case "gone":
                return [{"kind": "remove_object", "object": name} for name in members]
            case "material":
                material = {"kind": "set_material", "material": self.detail["material"]}
                return [material | {"object": name} for name in members]
            case "moved":
                shift = [*self.values, 0.0]
                return [{"kind": "move_object", "object": n, "by_m": shift} for n in members]
            case "added":
                return [{"kind": "add_object", "object": self._box()}]
            case "tx_fed":
                yaw, tilt = self.values
                aim = {"azimuth_deg": yaw, "downtilt_deg": tilt}
                return [{"kind": "set_transmitter", "transmitter": self.subject, **aim}]
            case "tx_moved":
                shift = list(self.values)
                return [{"kind": "move_transmitter", "transmitter": self.subject, "by_m": shift}]
            case "tx_off":
                return [{"kind": "remove_transmitter", "transmitter": self.subject}]

    def _box(self) -> dict[str, Any]:
        x, y, yaw, scale = self.values
        size = [scale * v for v in self.detail["size_m"]]
        size[2] += UNDER_M
        return {
            "name": self.subject,
            "material": self.detail["material"],
            "shape": "box",
            "center_m": [x, y, self.detail["ground_m"] - UNDER_M + size[2] / 2],
            "size_m": size,
            "yaw_deg": yaw,
        }

    def __str__(self) -> str:
        numbers = ", ".join(f"{v:.1f}" for v in self.values)
        match self.kind:
            case "gone":
                return f"'{self.subject}' is gone"
            case "material":
                return f"'{self.subject}' is of {self.detail['material']}"
            case "moved" | "tx_moved":
                return f"'{self.subject}' moved by {numbers} m"
            case "added":
                x, y = self.values[:2]
                size = " x ".join(f"{self.values[3] * v:.1f}" for v in self.detail["size_m"])
                return f"something of {size} m new at ({x:.1f}, {y:.1f})"
            case "tx_fed":
                return f"'{self.subject}' looks at azimuth and downtilt {numbers} deg"
            case "tx_off":
                return f"'{self.subject}' is off"


class Enumeration:
    """Hypotheses of a twin by expected squared effect, the kinds taking turns by their shares."""

    def __init__(self, state: TwinState, seed: int = 0) -> None:
        self._state = state
        self._rng = np.random.default_rng(seed)
        self._ground = set(state.recipe.geometry.ground)
        self._cells = state.grid.centers_m.reshape(-1, 3)
        self._objects = _structures(state, self._ground)
        self._taken = {part.name for part in state.parts.parts}
        self._taken |= {volume.name for volume in state.parts.volumes}
        self._effect = self._expected_effect()
        self._used = 0

    def __iter__(self) -> Iterator[Hypothesis]:
        sources: dict[Kind, Iterator[Hypothesis]] = {
            "gone": self._gone(),
            "material": self._materials(),
            "moved": self._moves(),
            "added": self._added(),
            "tx_moved": self._walks(),
            "tx_fed": self._turned(),
            "tx_off": self._off(),
        }
        debt = dict.fromkeys(sources, 0.0)
        while sources:
            for kind in sources:
                debt[kind] += _SHARES[kind]
            kind = max(sources, key=debt.__getitem__)
            found = next(sources[kind], None)
            if found is None:
                del sources[kind]
            else:
                debt[kind] -= sum(_SHARES[other] for other in sources)
                yield found

    def _expected_effect(self) -> dict[str, float]:
        """Squared decibels that each structure's absence would cost, by its share of the power."""
        effect = dict.fromkeys(self._objects, 0.0)
        owner = {part: name for name, parts in self._objects.items() for part in parts}
        names = list(self._objects)
        row_of = {name: row for row, name in enumerate(names)}
        rows = np.array([row_of.get(owner.get(n, ""), -1) for n in self._state.object_names])
        for tx in range(len(self._state.tx_names)):
            trace = self._state.traces[tx]
            power = np.square(np.abs(trace.a)).sum(axis=(1, 2)).astype(np.float64)
            on = self._state.path_objects(trace.triangle)
            structure = np.where(on >= 0, rows[np.maximum(on, 0)], -1)
            total = np.bincount(trace.receiver, power, len(self._cells))
            for depth in range(structure.shape[1]):
                # What a path meets twice counts once.
                again = (structure[:, :depth] == structure[:, depth : depth + 1]).any(axis=1)
                structure[again, depth] = -1
            path, depth_of = np.nonzero(structure >= 0)
            lost = sparse.coo_matrix(
                (power[path], (trace.receiver[path], structure[path, depth_of])),
                (len(self._cells), len(names)),
            ).tocsr()
            lost.sum_duplicates()
            cell = np.repeat(np.arange(len(self._cells)), np.diff(lost.indptr))
            share = lost.data / np.maximum(total[cell], 1e-300)
            db = np.where(share > _LEAST_SHARE, 10 * np.log10(np.maximum(1 - share, 1e-3)), 0.0)
            for name, value in zip(
                names, np.bincount(lost.indices, np.square(db), len(names)), strict=True
            ):
                effect[name] += float(value)
        return effect

    @property
    def members(self) -> dict[str, tuple[str, ...]]:
        """Parts of each structure."""
        return self._objects

    @property
    def ranked(self) -> list[str]:
        """Structures that are heard, those that matter most first."""
        ranked = sorted(self._effect, key=lambda name: -self._effect[name])
        return [name for name in ranked if self._effect[name] > 0]

    def _gone(self) -> Iterator[Hypothesis]:
        for name in self.ranked:
            yield Hypothesis("gone", name, detail={"members": list(self._objects[name])})

    def _materials(self) -> Iterator[Hypothesis]:
        parts = {part.name: part for part in self._state.parts.parts}
        own = [name for name in self._state.parts.specs if name not in PALETTE]
        palette = [*PALETTE, *own[:2]]
        for place in range(len(palette)):
            for name in self.ranked:
                members = [n for n in self._objects[name] if n in parts and not n.endswith("roof")]
                options = [m for m in palette if members and m != parts[members[0]].material]
                if place < len(options):
                    detail = {"material": options[place], "members": members}
                    yield Hypothesis("material", name, detail=detail)

    def _moves(self) -> Iterator[Hypothesis]:
        boxes = {name: self._box_m(name) for name in self._objects}
        small = [n for n in self._objects if np.ptp(boxes[n][:, :2], axis=0).max() <= SMALL_M]
        small.sort(key=lambda name: -self._effect[name])
        while small:
            for name in small[:12]:
                turn = self._rng.uniform(0, 2 * np.pi)
                far = self._rng.choice(STEPS_M) * self._rng.uniform(0.7, 1.4)
                shift = (float(far * np.cos(turn)), float(far * np.sin(turn)))
                detail = {"members": list(self._objects[name])}
                yield Hypothesis("moved", name, shift, detail)

    def _box_m(self, name: str) -> Floats:
        members = set(self._objects[name])
        parts = self._state.parts.parts
        corners = [p.vertices[:, :2].astype(np.float64) for p in parts if p.name in members]
        corners += [v.outline_m for v in self._state.parts.volumes if v.name in members]
        flat = np.concatenate(corners)
        return np.stack([flat.min(axis=0), flat.max(axis=0)])

    def _added(self) -> Iterator[Hypothesis]:
        """Boxes in the way of strong paths near the ground; now and then anywhere."""
        inside = self._state.is_inside.ravel()
        free = np.flatnonzero(~inside)
        height = self._state.recipe.radio_map.height_m
        while len(free):
            size = SIZES_M[self._rng.integers(len(SIZES_M))]
            at = self._cells[self._rng.choice(free)] - [0, 0, height]
            if self._rng.random() < 0.7:
                beside = self._on_a_way(float(size[2]))
                at = at if beside is None else beside
            self._used += 1
            yaw = float(self._rng.choice([0.0, 90.0, self._rng.uniform(0, 180)]))
            scale = float(self._rng.uniform(0.8, 1.3))
            ground = float(self._nearest_cell_m(at)[2] - height)
            yield Hypothesis(
                "added",
                self._free_name(),
                (float(at[0]), float(at[1]), yaw, scale),
                {
                    "size_m": size,
                    "ground_m": ground,
                    "material": "metal" if size[2] < 4 else "concrete",
                },
            )

    def _free_name(self) -> str:
        name = f"new_{self._used}"
        while name in self._taken:
            name += "_"
        return name

    def _nearest_cell_m(self, at: Any) -> Floats:
        return self._cells[np.square(self._cells[:, :2] - np.asarray(at)[:2]).sum(axis=1).argmin()]

    def _on_a_way(self, height_m: float) -> Any:
        """A point on the strongest path to some cell, not above a height; None if there is none."""
        tx = int(self._rng.integers(len(self._state.traces)))
        trace = self._state.traces[tx]
        if not len(trace):
            return None
        path = int(self._rng.integers(len(trace)))
        mates = np.flatnonzero(trace.receiver == trace.receiver[path])
        path = int(mates[np.square(np.abs(trace.a[mates])).sum(axis=(1, 2)).argmax()])
        vertices = trace.vertex_m[path][trace.interactions[path] != 0]
        start = vertices[-1] if len(vertices) else self._state.recipe.transmitter[tx].position_m
        end = self._cells[trace.receiver[path]]
        ground = end[2] - self._state.recipe.radio_map.height_m
        for _ in range(8):
            point = end + self._rng.uniform(0.02, 1) * (np.asarray(start, np.float64) - end)
            if point[2] <= ground + height_m:
                return point
        return None

    def _walks(self) -> Iterator[Hypothesis]:
        names = self._state.tx_names
        count = 0
        while True:
            for name in names:
                far = STEPS_M[count % len(STEPS_M)]
                turn = 2 * np.pi * (0.618 * count % 1)
                up = float(self._rng.normal(0, 0.5))
                yield Hypothesis(
                    "tx_moved", name, (float(far * np.cos(turn)), float(far * np.sin(turn)), up)
                )
            count += 1

    def _turned(self) -> Iterator[Hypothesis]:
        steps = [(0, 6), (0, -6), (-20, 0), (20, 0), (-8, 3), (8, -3), (0, 12), (-45, 0), (45, 0)]
        steps += [(90, 0), (-90, 0), (180, 0), (0, 3), (0, -3), (-10, 0), (10, 0)]
        devices = [d for d in self._state.recipe.transmitter if d.antenna.pattern == "tr38901"]
        for step in steps:
            for device in devices:
                aim = np.degrees(device.orientation_rad[:2]) + step
                yield Hypothesis("tx_fed", device.name, (float(aim[0]), float(aim[1])))

    def _off(self) -> Iterator[Hypothesis]:
        if len(self._state.tx_names) > 1:
            for name in self._state.tx_names:
                yield Hypothesis("tx_off", name)


def _structures(state: TwinState, ground: set[str]) -> dict[str, tuple[str, ...]]:
    """Parts of each structure: maps call the walls and the roof of a house NAME-wall, NAME-roof."""
    found: dict[str, list[str]] = {}
    parts: list[Part | Volume] = [*state.parts.parts, *state.parts.volumes]
    for part in parts:
        if part.name not in ground:
            name = part.name
            for suffix in ("-wall", "-walls", "-roof"):
                name = name.removesuffix(suffix)
            found.setdefault(name, []).append(part.name)
    return {name: tuple(members) for name, members in found.items()}


def rows_of(cells: int, tx: Ints, cell: Ints) -> Ints:
    """Columns of a library's maps that hold cells of transmitters."""
    return np.asarray(tx, np.int64) * cells + np.asarray(cell, np.int64)
