"""The physical model of a campaign: stored paths, and levels under any parameters.

Directional patterns multiply the powers of paths that were traced from an
isotropic antenna, so that azimuth, tilt and width cost no tracing. Cells of one
mast share their paths.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.calibration.campaign import Link, Measurements, link_inputs
from rtwin.calibration.physics.model.parameters import Parameter
from rtwin.channel import InteractionType
from rtwin.dataset.generation import standing_at
from rtwin.scene import Receivers, recipe_dict, recipe_from_dict
from rtwin.trace import MATERIAL_PARAMETERS, FrozenPaths, TracedPaths, Tracer, World, freeze_paths
from rtwin.units import SPEED_OF_LIGHT_M_S, to_db

_REMEMBERED = 4
FLOOR_BELOW_DB = 15.0  # the floor under the weakest decile of reached links
MATERIAL_KINDS = MATERIAL_PARAMETERS
PATH_CLASSES = ("line of sight", "reflected", "refracted", "diffracted")


@dataclass(frozen=True, eq=False)
class Bundle:
    """Paths of one mast to the places where one of its cells was measured."""

    world: World
    receivers: Receivers
    paths: TracedPaths
    frozen: FrozenPaths
    rows: Ints  # [row of the bundle], row of the campaign
    path: Ints  # [pair], path
    row: Ints  # [pair], row of the bundle
    walls: Ints  # [path], how often it is refracted
    bends: Bools  # [path], whether it is diffracted
    kind: Ints  # [path], which of PATH_CLASSES it is
    length_m: Floats  # [path]


@dataclass(frozen=True, eq=False)
class PhysicalModel:
    """A campaign's rows and the paths that reach them."""

    data: Measurements
    bundles: tuple[Bundle, ...]
    sector_of_tx: Ints
    floor: float  # linear, added to every gain: what no traced path explains
    _known: dict[object, list[Floats]] = field(default_factory=dict)  # powers by materials

    @property
    def materials(self) -> set[str]:
        """Materials that some path touches."""
        return {
            bundle.world.material_names[i]
            for bundle in self.bundles
            for i in np.flatnonzero(bundle.frozen.materials.any(axis=0))
        }

    @property
    def sectors(self) -> tuple[str, ...]:
        """The first directional transmitter of each sector."""
        links = self.data.transmitters
        return tuple(
            links[n].name
            for n in np.unique(self.sector_of_tx)
            if links[n].is_directional and np.any(self.data.tx == n)
        )

    def gain_db(self, parameters: tuple[Parameter, ...], z: Floats) -> Floats:
        """Traced gain of every row [dB], up to an offset, under some parameters."""
        values, materials = _values(parameters, z)
        gain = np.zeros(len(self.data))
        for bundle, power in zip(self.bundles, self._powers(materials), strict=True):
            gain[bundle.rows] += self._gain(bundle, power, values)
        return to_db(gain + self.floor * 10 ** (values.get(("floor_db", ""), 0.0) / 10))

    def class_gains_db(self, parameters: tuple[Parameter, ...], z: Floats) -> Floats:
        """Traced gain of every row by class of path [dB], [row, class]; see PATH_CLASSES."""
        values, materials = _values(parameters, z)
        gain = np.zeros((len(self.data), len(PATH_CLASSES)))
        for bundle, power in zip(self.bundles, self._powers(materials), strict=True):
            pair = self._pair_power(bundle, power, values)
            for number in range(len(PATH_CLASSES)):
                own = pair * (bundle.kind[bundle.path] == number)
                gain[bundle.rows, number] += np.bincount(bundle.row, own, len(bundle.rows))
        return to_db(gain + self.floor * 10 ** (values.get(("floor_db", ""), 0.0) / 10))

    def _powers(self, materials: dict[str, dict[str, float]]) -> list[Floats]:
        """Powers of all paths; the last few materials are remembered."""
        key = tuple(sorted((m, k, v) for m, values in materials.items() for k, v in values.items()))
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[key] = [bundle.frozen.power(materials) for bundle in self.bundles]
        return self._known[key]

    def gains_db(
        self, parameters: tuple[Parameter, ...], z: Floats, step: float = 4e-3
    ) -> tuple[Floats, Floats]:
        """Gain [row] and its slope over z, [row, parameter], by differences.

        Only materials need the engine; everything else reuses the powers.
        """
        here = self.gain_db(parameters, z)
        slope = np.empty((len(here), len(parameters)))
        for i, parameter in enumerate(parameters):
            if parameter.kind == "scale":
                slope[:, i] = 0.0
                continue
            off = np.zeros(len(z))
            off[i] = step
            if parameter.kind in MATERIAL_KINDS:
                slope[:, i] = (self.gain_db(parameters, z + off) - here) / step
            else:
                up, down = (self.gain_db(parameters, z + s) for s in (off, -off))
                slope[:, i] = (up - down) / (2 * step)
        return here, slope

    def _gain(
        self, bundle: Bundle, power: Floats, values: Mapping[tuple[str, str], float]
    ) -> Floats:
        pair = self._pair_power(bundle, power, values)
        return np.bincount(bundle.row, pair, minlength=len(bundle.rows)).astype(np.float64)

    def pair_powers(self, parameters: tuple[Parameter, ...], z: Floats) -> list[Floats]:
        """Power of each pair of a row and a path, pattern included, by bundle, linear."""
        values, materials = _values(parameters, z)
        return [
            self._pair_power(bundle, power, values)
            for bundle, power in zip(self.bundles, self._powers(materials), strict=True)
        ]

    def _pair_power(
        self, bundle: Bundle, power: Floats, values: Mapping[tuple[str, str], float]
    ) -> Floats:
        loss = bundle.walls * values.get(("transmission_loss_db", ""), 0.0)
        loss = loss + bundle.bends * values.get(("diffraction_loss_db", ""), 0.0)
        woods = values.get(("vegetation_loss_factor", ""), 1.0)
        loss = loss + (woods - 1.0) * bundle.paths.vegetation_loss_db
        clutter = values.get(("clutter_loss_db_per_100m", ""), 0.0)
        loss = loss + clutter * bundle.length_m / 100.0
        path_power = power * 10 ** (-loss / 10)
        return path_power[bundle.path] * self._pattern(bundle, values)

    def _pattern(self, bundle: Bundle, values: Mapping[tuple[str, str], float]) -> Floats:
        """Gain of the transmitter's element over its boresight in each pair, linear."""
        tx = self.data.tx[bundle.rows[bundle.row]]
        out = np.ones(len(tx))
        for number in np.unique(tx):
            link = self.data.transmitters[number]
            if not link.is_directional:
                continue
            sector = self.data.transmitters[self.sector_of_tx[number]].name
            pairs = np.flatnonzero(tx == number)
            path = bundle.path[pairs]
            yaw = link.yaw_deg + values.get(("azimuth_error_deg", sector), 0.0)
            tilt = link.downtilt_deg + values.get(("downtilt_error_deg", sector), 0.0)
            width = values.get(("pattern_width_deg", sector), 65.0)
            out[pairs] = element_gain(
                bundle.paths.aod_azimuth[path], bundle.paths.aod_zenith[path], yaw, tilt, width
            )
        return out

    def take(self, rows: Ints) -> "PhysicalModel":
        """The model of some rows: their paths alone are evaluated."""
        place = np.full(len(self.data), -1)
        place[rows] = np.arange(len(rows))
        made = []
        for bundle in self.bundles:
            kept = place[bundle.rows] >= 0
            if kept.any():
                made.append(_narrow(bundle, kept, place))
        return replace(self, data=self.data.take(rows), bundles=tuple(made), _known={})


def _values(
    parameters: tuple[Parameter, ...], z: Floats
) -> tuple[dict[tuple[str, str], float], dict[str, dict[str, float]]]:
    """Values in natural units by kind and target, and those of materials by name."""
    values = {(p.kind, p.target): p.value(v) for p, v in zip(parameters, z, strict=True)}
    materials: dict[str, dict[str, float]] = {}
    for (kind, target), value in values.items():
        if kind in MATERIAL_KINDS:
            materials.setdefault(target, {})[kind] = value
    return values, materials


def element_gain(
    azimuth: Floats, zenith: Floats, yaw_deg: float, tilt_deg: float, width_deg: float = 65.0
) -> Floats:
    """Power gain of a TR 38.901 element of any width over its boresight, linear.

    A tilt turns the element about its horizontal axis.
    Source: 3GPP TR 38.901 V17, clause 7.1.3 and table 7.3-1; checked by
    tests/calibration/physics/test_path_model.py against the engine's own pattern.
    """
    turn, tilt = azimuth - np.radians(yaw_deg), np.radians(tilt_deg)
    x = np.sin(zenith) * np.cos(turn)
    y = np.sin(zenith) * np.sin(turn)
    z = np.cos(zenith)
    forward, up = x * np.cos(tilt) - z * np.sin(tilt), x * np.sin(tilt) + z * np.cos(tilt)
    off = np.degrees(np.arctan2(y, forward))
    rise = np.degrees(np.arccos(np.clip(up, -1, 1))) - 90.0
    # The element's gain falls with the squares of both, to 30 dB; a width scales the horizontal.
    across = np.minimum(12 * (off / width_deg) ** 2, 30.0)
    along = np.minimum(12 * (rise / 65.0) ** 2, 30.0)
    return 10 ** (-np.minimum(across + along, 30.0) / 10)


def build_model(world: World, data: Measurements, floor: float | None = None) -> PhysicalModel:
    """Trace every mast of a campaign to the places where its cells were measured.

    Args:
        world: The scene with one transmitter for each of the campaign's.
        data: Rows to reach.
        floor: Of another model of the same campaign; default: 15 dB under the
            weakest decile of what is reached.
    """
    sector = _sector_of_tx(data)
    bundles, gains = [], np.zeros(len(data))
    for members in _masts(data.transmitters):
        rows = np.flatnonzero(np.isin(data.tx, members))
        if rows.size:
            bundles.append(_bundle(world, data, members[0], rows))
    if floor is not None:
        return PhysicalModel(data, tuple(bundles), sector, floor)
    model = PhysicalModel(data, tuple(bundles), sector, 0.0)
    for bundle in bundles:
        gains[bundle.rows] = model._gain(bundle, bundle.frozen.power(), {})
    reached = gains[gains > 0]
    floor = float(np.quantile(reached, 0.1)) * 10 ** (-FLOOR_BELOW_DB / 10) if reached.size else 1.0
    return replace(model, floor=floor, _known={})


def _sector_of_tx(data: Measurements) -> Ints:
    numbers = np.arange(len(data.transmitters))
    one_each = replace(
        data.take(np.zeros(len(numbers), np.int64)) if len(data) else data, tx=numbers
    )
    return link_inputs(one_each).sector


def _masts(links: tuple[Link, ...]) -> list[list[int]]:
    """Transmitters that share their paths: at one place, and with the pattern of one antenna."""
    found: dict[tuple[object, ...], list[int]] = {}
    for number, link in enumerate(links):
        place = tuple(round(v, 2) for v in link.position_m)
        own: tuple[object, ...] = ()
        # An element of TR 38.901 is multiplied to isotropic paths; the engine knows the others.
        if not link.is_directional and link.pattern != "iso":
            own = (link.pattern, link.yaw_deg, link.downtilt_deg)
        found.setdefault((*place, *own), []).append(number)
    return list(found.values())


def _bundle(world: World, data: Measurements, tx: int, rows: Ints) -> Bundle:
    spots, back = np.unique(data.position_m[rows], axis=0, return_inverse=True)
    back = np.asarray(back, np.int64).reshape(-1)
    table = recipe_dict(world.recipe)
    own = dict(table["transmitter"][tx])
    own["position_m"] = list(data.transmitters[tx].position_m)
    if data.transmitters[tx].is_directional:
        own["antenna"] = {**own["antenna"], "pattern": "iso"}
        own |= {"azimuth_deg": 0.0, "downtilt_deg": 0.0}
    table["transmitter"] = [own]
    alone = replace(world, recipe=recipe_from_dict(table, world.recipe.name, world.recipe.folder))
    receivers = standing_at(spots)
    paths = Tracer(alone).trace(receivers)
    offsets = np.concatenate([[0], np.cumsum(paths.num_paths)])
    count = paths.num_paths[back]
    first = np.repeat(offsets[back], count)
    rank = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    everything = np.arange(len(paths.delay_s))
    return Bundle(
        world=alone,
        receivers=receivers,
        paths=paths,
        frozen=freeze_paths(alone, receivers, paths, 0, everything),
        rows=rows,
        path=first + rank,
        row=np.repeat(np.arange(len(rows)), count),
        walls=(paths.interactions == InteractionType.REFRACTION).sum(axis=1),
        bends=(paths.interactions == InteractionType.DIFFRACTION).any(axis=1),
        kind=_classes(paths),
        length_m=paths.delay_s * SPEED_OF_LIGHT_M_S,
    )


def _classes(paths: TracedPaths) -> Ints:
    """Class of each path: the last of PATH_CLASSES that happens on it."""
    kind = np.zeros(len(paths.delay_s), np.int64)
    codes = (InteractionType.SPECULAR, InteractionType.REFRACTION, InteractionType.DIFFRACTION)
    for number, code in enumerate(codes, 1):
        kind[(paths.interactions == code).any(axis=1)] = number
    return kind


def _narrow(bundle: Bundle, kept: Bools, place: Ints) -> Bundle:
    """The bundle of some of its rows, with the paths that reach them."""
    pairs = np.flatnonzero(kept[bundle.row])
    used, path = np.unique(bundle.path[pairs], return_inverse=True)
    new_row = np.cumsum(kept) - 1
    return replace(
        bundle,
        paths=_some_paths(bundle.paths, used),
        frozen=freeze_paths(bundle.world, bundle.receivers, bundle.paths, 0, used),
        rows=place[bundle.rows[kept]],
        path=np.asarray(path, np.int64).reshape(-1),
        row=new_row[bundle.row[pairs]],
        walls=bundle.walls[used],
        bends=bundle.bends[used],
        kind=bundle.kind[used],
        length_m=bundle.length_m[used],
    )


def _some_paths(paths: TracedPaths, rows: Ints) -> TracedPaths:
    """Some paths of one transmitter, by ascending number, with how many each receiver has."""
    names = [name for name in TracedPaths.__dataclass_fields__ if name != "num_paths"]
    receiver = np.repeat(np.arange(len(paths.num_paths)), paths.num_paths)[rows]
    count = np.bincount(receiver, minlength=len(paths.num_paths)).astype(paths.num_paths.dtype)
    return replace(paths, num_paths=count, **{name: getattr(paths, name)[rows] for name in names})
