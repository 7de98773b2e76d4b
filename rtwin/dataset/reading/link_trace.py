"""Link traces: what moving users get from a twin over time, in memory and in files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bytes, Floats
from rtwin.dataset.inspection import open_checked, plain
from rtwin.dataset.schema import TRACE_FORMAT, trace_layout
from rtwin.dataset.store import (
    fill_file,
    plain_errors,
    prepare_target,
    write_image,
)
from rtwin.errors import ShapeError
from rtwin.shown import Shown

if TYPE_CHECKING:
    import xarray

STATES = ("served", "below the lowest CQI", "nothing arrives", "outside of the map", "no position")
SERVED, BELOW_CQI, NOTHING_ARRIVES, OUTSIDE, NO_POSITION = range(5)


@dataclass(frozen=True, eq=False, repr=False)
class LinkTrace(Shown):
    """A link trace in memory; the names are those of the file, docs/link_traces.md.

    `tx_name` and `ue_name` are tuples of str, the rest are arrays over
    [time], [time, ue] or [time, ue, tx]; they are read-only. The last ones are None unless
    the attributes say that there is a demand, or that the link is that of the paths.
    """

    tx_name: tuple[str, ...]
    tx_position_m: Floats  # [tx, 3]
    tx_orientation_rad: Floats  # [tx, 3]
    tx_velocity_m_s: Floats  # [tx, 3]
    tx_power_dbm: Floats  # [tx]
    time_s: Floats  # [time]
    ue_name: tuple[str, ...]
    ue_position_m: Floats  # [time, ue, 3]
    path_gain: Floats  # [time, ue, tx]
    path_gain_standard_error_db: NDArray[np.floating[Any]]
    rss_dbm: NDArray[np.floating[Any]]
    sinr_db: NDArray[np.floating[Any]]
    cqi: NDArray[np.int8]
    mcs: NDArray[np.int8]
    spectral_efficiency: NDArray[np.floating[Any]]
    rate_mbps: NDArray[np.floating[Any]]
    line_of_sight: NDArray[np.int8]
    serving_tx: NDArray[np.int16]  # [time, ue]
    handover: NDArray[np.bool_ | np.uint8]
    state: Bytes
    attributes: dict[str, Any]
    tx_load: NDArray[np.floating[Any]] | None = None  # [time, tx]
    effective_sinr_db: NDArray[np.floating[Any]] | None = None
    num_layers: NDArray[np.int8] | None = None
    block_error_rate: NDArray[np.floating[Any]] | None = None
    lost_blocks: NDArray[np.floating[Any]] | None = None

    def __post_init__(self) -> None:
        sizes = {"xyz": 3, "angle": 3}
        for variable in trace_layout(self.attributes):
            value = getattr(self, variable.name)
            shape = np.shape(value)
            wanted = tuple(
                sizes.setdefault(d, n) for d, n in zip(variable.dims, shape, strict=False)
            )
            if shape != wanted or len(shape) != len(variable.dims):
                raise ShapeError(
                    f"{variable.name} has shape {shape}; it must be [{', '.join(variable.dims)}]"
                    f" with {sizes}"
                )
            if variable.dtype != "str":
                view = np.asarray(value, variable.dtype).view()
                view.flags.writeable = False
                object.__setattr__(self, variable.name, view)

    @property
    def num_steps(self) -> int:
        """Number of rows in time."""
        return len(self.time_s)

    @property
    def num_ues(self) -> int:
        """Number of users."""
        return len(self.ue_name)

    @property
    def num_tx(self) -> int:
        """Number of transmitters."""
        return len(self.tx_name)

    @property
    def step_s(self) -> float:
        """Time between rows [s]."""
        return float(self.attributes["step_s"])

    def of_serving(self, name: str) -> NDArray[Any]:
        """A variable over [time, ue, tx] at the serving cell, [time, ue].

        Where no cell serves: NaN for numbers with a fraction, -1 for whole ones;
        0 for `rate_mbps` and `spectral_efficiency`, since nothing gets through.
        """
        values = getattr(self, name)
        cell = np.maximum(self.serving_tx, 0)[..., None].astype(np.int64)
        own = np.take_along_axis(values, cell, axis=2)[..., 0]
        nothing: float = np.nan if values.dtype.kind == "f" else -1
        if name in ("rate_mbps", "spectral_efficiency"):
            nothing = 0.0
        return np.where(self.serving_tx >= 0, own, np.asarray(nothing, values.dtype))

    def facts(self) -> dict[str, object]:
        """What it is, in a few words each."""
        return {
            "users": self.num_ues,
            "steps": f"{self.num_steps} of {self.step_s:g} s",
            "transmitters": ", ".join(self.tx_name),
            **{name: count for name, count in self.counts().items() if count},
        }

    def counts(self) -> dict[str, int]:
        """How many rows of (time, ue) are in each state, and how many handovers there are."""
        found = np.bincount(self.state.ravel(), minlength=len(STATES))
        counted = {name: int(n) for name, n in zip(STATES, found, strict=True)}
        return counted | {"handovers": int(self.handover.sum())}


def write_link_trace(trace: LinkTrace, file: str | Path, *, overwrite: bool = False) -> Path:
    """Write a link trace; the file appears whole or not at all.

    Raises:
        StoreError: if the file holds something else and overwrite is not set,
            or cannot be written.
    """
    file = Path(file)
    request = trace.attributes.get("request_hash")
    if not prepare_target(file, TRACE_FORMAT, request, overwrite):
        with plain_errors(file):
            write_image(file, lambda h5: _write(h5, trace))
    return file


def _write(h5: h5py.File, trace: LinkTrace) -> None:
    ours = ("format", "format_version", "Conventions", "versions", "content_hash", "hash_version")
    rest: Mapping[str, Any] = {k: v for k, v in trace.attributes.items() if k not in ours}
    layout = trace_layout(trace.attributes)
    columns = {v.name: getattr(trace, v.name) for v in layout}
    labels = {"tx": trace.tx_name, "ue": trace.ue_name, "time": trace.time_s}
    fill_file(h5, TRACE_FORMAT, rest, layout, columns, labels)


def open_link_trace(file: str | Path) -> LinkTrace:
    """Read a link trace file.

    Raises:
        StoreError: if the file is missing, broken, of another kind or newer.
    """
    with open_checked(file, TRACE_FORMAT) as h5:
        columns: dict[str, Any] = {
            v.name: tuple(h5[v.name].asstr()[...]) if v.dtype == "str" else h5[v.name][...]
            for v in h5.layout
        }
        attributes = {name: plain(value) for name, value in h5.attrs.items()}
    return LinkTrace(**columns, attributes=attributes)


def link_trace_xarray(file: str | Path) -> "xarray.Dataset":
    """The file as a lazily loaded xarray.Dataset; close it when done."""
    import xarray

    return xarray.open_dataset(file, engine="h5netcdf")
