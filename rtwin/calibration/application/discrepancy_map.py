"""A calibrated twin on a radio map: its mean and its standard deviation in every cell.

A result keeps the rows that were measured and the physics that was fitted to
them. On a map the physics is evaluated at the middle of each cell, and the
discrepancy that the rows show is carried there with its variance.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rtwin.arrays import Floats
from rtwin.calibration.campaign import Inputs, Link, Measurements, link_inputs
from rtwin.calibration.judgement import read_result
from rtwin.calibration.physics import (
    Parameter,
    build_model,
    physical_inputs,
    scene_features,
    stored_fit,
    world_with_links,
)
from rtwin.calibration.statistics import fit_twin
from rtwin.dataset.inspection import DAMAGE, open_container
from rtwin.dataset.store import plain_errors, write_image
from rtwin.errors import StoreError
from rtwin.units import from_db

TWIN_FILE = "twin.h5"
_COLUMNS = ("tx", "device", "position_m", "level_db", "censored", "count", "uncertainty_db")
_MAX_ROWS = 5_000_000
_LINEAR_PER_DB = np.log(10) / 10
_BORESIGHT_DB = {"tr38901": 8.0}  # a level counts a directional element from its boresight
BEYOND = (
    "path_gain and its standard error are those of a calibrated twin outside of buildings: the "
    "mean and one standard deviation of physics and spatial discrepancy"
)


def write_twin(folder: Path, data: Measurements, inputs: Inputs) -> None:
    """Keep the rows of a twin beside its result.

    Args:
        folder: The result's folder.
        data: The rows that it learned from.
        inputs: What the models know of them; without a scene no physics.
    """

    def build(file: h5py.File) -> None:
        for name in _COLUMNS:
            file.create_dataset(name, data=np.asarray(getattr(data, name)))
        file.create_dataset("physics", data=inputs.physics)
        file.attrs["physics_names"] = list(inputs.names)

    with plain_errors(folder):
        write_image(folder / TWIN_FILE, build)


@dataclass(frozen=True, eq=False)
class TwinCorrection:
    """Puts a calibrated twin's mean and variance into a radio map.

    Transmitters that the campaign did not measure keep their traced gains.
    """

    folder: Path

    @cached_property
    def result(self) -> dict[str, Any]:
        """What result.json holds.

        Raises:
            StoreError: if there is none.
        """
        return read_result(self.folder)

    @property
    def key(self) -> str:
        """Campaign and seed tell twins apart."""
        return f"twin-{self.result['campaign_hash']}-{self.result['seed']}"

    @property
    def attributes(self) -> dict[str, Any]:
        """Provenance, and what the numbers of the map are now."""
        return {**calibration_attributes(self.result), "remarks": [BEYOND]}

    def apply(
        self, world: Any, grid: Any, gain: Floats, error: Floats, progress: Any
    ) -> tuple[Floats, Floats]:
        """Gains and standard errors of the twin, linear, [tx, cell_y, cell_x].

        Raises:
            StoreError: if the result has no rows, or none of the map's transmitters.
        """
        from rtwin.trace import is_inside

        if self.result["offset_db"] is None:
            raise StoreError(
                f"{self.folder}: was calibrated without a scene, levels are not gains; "
                "calibrate it with one"
            )
        known, inputs = _read_rows(self.folder, self.result)
        names = [link.name for link in known.transmitters]
        both = [
            (number, names.index(tx.name))
            for number, tx in enumerate(world.recipe.transmitter)
            if tx.name in names
        ]
        if not both:
            raise StoreError(
                f"{self.folder}: was calibrated with transmitters {', '.join(names)}; the scene "
                f"has {', '.join(tx.name for tx in world.recipe.transmitter)}: name them alike"
            )
        center = grid.centers_m.reshape(-1, 3)
        open_air = np.flatnonzero(~is_inside(world, center))
        progress("discrepancy", 0, 1)
        cells = _cells(known, [own for _, own in both], center[open_air])
        mean, sd = self._levels(world, known, inputs, cells)
        gain, error = gain.copy(), error.copy()
        for number, own in both:
            link, rows = known.transmitters[own], cells.tx == own
            level = mean[rows] - self._offset_db(own, link)
            made = np.minimum(from_db(level), 1.0)
            gain[number].reshape(-1)[open_air] = made
            error[number].reshape(-1)[open_air] = made * sd[rows] * _LINEAR_PER_DB
        progress("discrepancy", 1, 1)
        return gain, error

    def _offset_db(self, tx: int, link: Link) -> float:
        """What the first device reads above the path gain [dB]; 0 where gains were measured."""
        if self.result.get("quantity") in ("path_gain_db", "path_loss_db"):
            return 0.0
        return float(self.result["offset_db"][tx][0]) - _BORESIGHT_DB.get(link.pattern, 0.0)

    def _levels(
        self, world: Any, known: Measurements, inputs: Inputs, cells: Measurements
    ) -> tuple[Floats, Floats]:
        """Mean level and its standard deviation [dB] of every cell."""
        physics = inputs.physics
        if inputs.names:
            physics = np.concatenate([physics, self._physics(world, cells).physics])
        joined = _joined(known, cells)
        twin = fit_twin(
            joined,
            link_inputs(joined, physics, inputs.names) if inputs.names else link_inputs(joined),
            self.result["environment"],
            np.arange(len(known)),
            self.result["block_m"],
            self.result["seed"],
        )
        return twin.mean_db[len(known) :], twin.field_sd_db[len(known) :]

    def _physics(self, world: Any, cells: Measurements) -> Inputs:
        """What physics, as fitted, says of every cell."""
        own = world_with_links(world, cells.transmitters, self.result["frequency_hz"])
        parameters = tuple(
            Parameter(row["kind"], row["target"], row["fitted"], 0.0)
            for row in self.result["identifiability"]
            if row["kind"] not in ("x_error_m", "y_error_m", "height_error_m")
        )
        model = build_model(own, cells, self.result["floor"])
        fit = stored_fit(parameters, np.array(self.result["offset_db"], np.float64))
        return physical_inputs(model, scene_features(own, cells), fit)


def calibration_attributes(result: dict[str, Any]) -> dict[str, Any]:
    """What files say of the calibration that they come from."""
    return {
        "calibration_campaign": result["campaign"],
        "calibration_campaign_hash": result["campaign_hash"],
        "calibration_scene": result["scene"] or "",
    }


def _read_rows(folder: Path, result: dict[str, Any]) -> tuple[Measurements, Inputs]:
    file = folder / TWIN_FILE
    try:
        with open_container(file) as h5:
            if h5["level_db"].shape[0] > _MAX_ROWS:
                raise StoreError(f"{file}: has more than {_MAX_ROWS} rows")
            columns = {name: h5[name][...] for name in _COLUMNS}
            physics, features = h5["physics"][...], tuple(map(str, h5.attrs["physics_names"]))
        links = tuple(
            Link(**{**row, "position_m": tuple(row["position_m"])})
            for row in result["transmitters"]
        )
        data = Measurements(links, tuple(result["devices"]), **columns)
        _check_rows(data, physics, features)
    except DAMAGE as error:
        raise StoreError(
            f"{folder}: holds no rows of a twin ({str(error)[:60]}); calibrate it again"
        ) from None
    return data, link_inputs(data, np.asarray(physics, np.float64), features)


def _check_rows(data: Measurements, physics: Floats, features: tuple[str, ...]) -> None:
    """Raise ValueError if columns do not fit together or rows name what is not there."""
    rows = data.level_db.shape
    wanted = {name: (*rows, 3) if name == "position_m" else rows for name in _COLUMNS}
    for name, shape in wanted.items():
        if len(rows) != 1 or getattr(data, name).shape != shape:
            raise ValueError(f"{name} has shape {getattr(data, name).shape}")
    numbers = (data.position_m, data.level_db, data.uncertainty_db, physics)
    ok = all(values.dtype.kind == "f" and np.isfinite(values).all() for values in numbers)
    for row, names in ((data.tx, data.transmitters), (data.device, data.devices)):
        ok &= row.dtype.kind == "i" and bool(((row >= 0) & (row < len(names))).all())
    if not (ok and physics.shape == (len(data), len(features))):
        raise ValueError("values that cannot be")


def _cells(known: Measurements, tx: list[int], place: Floats) -> Measurements:
    """Every place for each of some transmitters, as the first device would measure it."""
    num = len(place) * len(tx)
    return Measurements(
        known.transmitters,
        known.devices,
        np.repeat(tx, len(place)),
        np.zeros(num, np.int64),
        np.tile(place, (len(tx), 1)),
        np.zeros(num),
        np.zeros(num, bool),
        np.ones(num, np.int64),
        np.ones(num),
    )


def _joined(a: Measurements, b: Measurements) -> Measurements:
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(a, name), getattr(b, name)]) for name in _COLUMNS
    }
    return Measurements(a.transmitters, a.devices, **columns)
