"""The layout of rtwin's HDF5 files: names, types, units and meanings in one place.

Paths are a CF contiguous ragged array: flat variables over all paths, and
`num_paths` says how many belong to each link. Links run over receivers, then
transmitters: link = rx * num_tx + tx. docs/dataset.md is made from these tables.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rtwin.scene import Recipe

PATHS_FORMAT = "rtwin-paths"
SWEEP_FORMAT = "rtwin-sweep"
MAP_FORMAT = "rtwin-radiomap"
MAP_METHODS = ("monte-carlo", "paths")
TRACE_FORMAT = "rtwin-linktrace"
FORMAT_VERSION = 1
HASH_VERSION = 2  # of content_hash; 1 counted no attributes
MEANING = (
    "format",
    "recipe",
    "frequency_hz",
    "method",
    "cell_size_m",
    "height_m",
    "noise_power_w",
    "step_s",
    "interference_load",
    "link",
    "demand_mbps",
    "bandwidth_hz",
    "subcarrier_spacing_hz",
    "table",
    "base_recipe",
    "edits",
    "low_m",
)
"""Attributes that decide what the values of a file mean: they count in its content hash."""


@dataclass(frozen=True)
class Variable:
    """One variable of a file."""

    name: str
    dims: tuple[str, ...]
    dtype: str  # numpy type string, or "str"
    units: str  # UDUNITS; "1" for pure numbers, "" for text and codes
    long_name: str


def _path(name: str, dtype: str, units: str, long_name: str, *dims: str) -> Variable:
    return Variable(name, ("path", *dims), dtype, units, long_name)


TX_VARIABLES = (
    Variable("tx_name", ("tx",), "str", "", "name of the transmitter"),
    Variable("tx_position_m", ("tx", "xyz"), "<f8", "m", "position of the transmitter"),
    Variable("tx_orientation_rad", ("tx", "angle"), "<f8", "rad", "yaw, pitch, roll"),
    Variable("tx_velocity_m_s", ("tx", "xyz"), "<f8", "m s-1", "velocity of the transmitter"),
    Variable("tx_power_dbm", ("tx",), "<f8", "dBm", "transmit power"),
)

RX_VARIABLES = (
    Variable("rx_position_m", ("rx", "xyz"), "<f8", "m", "position of the receiver"),
    Variable("rx_orientation_rad", ("rx", "angle"), "<f8", "rad", "yaw, pitch, roll"),
    Variable("rx_velocity_m_s", ("rx", "xyz"), "<f8", "m s-1", "velocity of the receiver"),
    Variable("rx_candidate", ("rx",), "<i8", "", "row in the recipe's list, table, grid or draw"),
    Variable("rx_time_s", ("rx",), "<f8", "s", "time of the position; NaN where standing"),
)

LINK_VARIABLES = (
    Variable("link_tx", ("link",), "<i4", "", "transmitter of the link, row of tx"),
    Variable("link_rx", ("link",), "<i4", "", "receiver of the link, row of rx"),
    Variable("num_paths", ("link",), "<i4", "1", "number of paths of the link"),
    Variable(
        "dropped_path_gain",
        ("link",),
        "<f8",
        "1",
        "path gain of the paths left out on request (strongest_paths, min_gain_db), linear",
    ),
)

PATH_VARIABLES = (
    _path(
        "a",
        "<c8",
        "1",
        "path coefficient without the carrier phase, antenna patterns included, arrays not; "
        "baseband = a * exp(-j 2 pi frequency_hz delay_s)",
        "rx_pol",
        "tx_pol",
    ),
    _path("delay_s", "<f8", "s", "absolute propagation delay"),
    _path("aod_azimuth", "<f4", "rad", "azimuth of departure, from +x towards +y"),
    _path("aod_zenith", "<f4", "rad", "zenith of departure, from +z"),
    _path("aoa_azimuth", "<f4", "rad", "azimuth of arrival, back to where the wave came from"),
    _path("aoa_zenith", "<f4", "rad", "zenith of arrival, back to where the wave came from"),
    _path("doppler_hz", "<f4", "Hz", "Doppler shift by moving ends and objects"),
    _path(
        "interactions",
        "|u1",
        "",
        "what happens at each depth, counted from the transmitter: "
        "0 nothing, 1 specular reflection, 2 diffuse reflection, 4 refraction, 8 diffraction",
        "depth",
    ),
    _path("triangle", "<u4", "", "triangle met at each depth; 4294967295 where none", "depth"),
    _path(
        "edge",
        "|u1",
        "",
        "edge of the diffracting triangle: 0, 1, 2 from that corner to the next, "
        "3 more seen from the back of a free edge; 255 where none",
    ),
    _path("object", "<i4", "", "row of object_name met at each depth; -1 where none", "depth"),
    _path("material", "<i2", "", "row of material_name met at each depth; -1 where none", "depth"),
    _path("vertex_m", "<f4", "m", "place of each interaction; NaN where none", "depth", "xyz"),
    _path("vegetation_loss_db", "<f4", "dB", "loss in vegetation on the way, which a contains"),
)

SCENE_VARIABLES = (
    Variable("object_name", ("object_id",), "str", "", "name of the object"),
    Variable("material_name", ("material_id",), "str", "", "name of the material"),
    Variable("relative_permittivity", ("material_id",), "<f8", "1", "real relative permittivity"),
    Variable("conductivity_s_per_m", ("material_id",), "<f8", "S m-1", "conductivity"),
    Variable(
        "thickness_m",
        ("material_id",),
        "<f8",
        "m",
        "thickness of the slab; inf for a half-space, which lets nothing through",
    ),
    Variable("scattering_coefficient", ("material_id",), "<f8", "1", "scattering coefficient"),
    Variable("xpd_coefficient", ("material_id",), "<f8", "1", "cross-polarisation coefficient"),
)

PATHS_LAYOUT = (*TX_VARIABLES, *RX_VARIABLES, *LINK_VARIABLES, *PATH_VARIABLES, *SCENE_VARIABLES)

SWEPT = ("a", "doppler_hz", "vegetation_loss_db", "relative_permittivity", "conductivity_s_per_m")


def _swept(variable: Variable) -> Variable:
    if variable.name not in SWEPT:
        return variable
    first, *others = variable.dims
    return replace(variable, dims=(first, "frequency", *others))


# The same paths at several frequencies: what depends on frequency has it as second dimension.
SWEEP_LAYOUT = (
    Variable("frequency_hz", ("frequency",), "<f8", "Hz", "carrier frequency"),
    *(_swept(variable) for variable in PATHS_LAYOUT),
)

_CELLS = ("cell_y", "cell_x")
MAP_LAYOUT = (
    *TX_VARIABLES,
    Variable("cell_centers_m", (*_CELLS, "xyz"), "<f8", "m", "centre of the cell"),
    Variable(
        "path_gain",
        ("tx", *_CELLS),
        "<f8",
        "1",
        "path gain averaged over the cell (method paths: in its middle), both receive "
        "polarisations, linear; 0 where no ray came",
    ),
    Variable(
        "path_gain_standard_error",
        ("tx", *_CELLS),
        "<f8",
        "1",
        "standard error of path_gain, from the scatter between ray lattices, linear; "
        "0 with method paths, which draws nothing",
    ),
    Variable("rss_dbm", ("tx", *_CELLS), "<f4", "dBm", "received power; -inf where no ray came"),
    Variable(
        "sinr",
        ("tx", *_CELLS),
        "<f8",
        "1",
        "power over thermal noise and all other transmitters, linear",
    ),
    Variable(
        "serving_transmitter",
        _CELLS,
        "<i2",
        "",
        "transmitter with the highest received power, row of tx; -1 where none reaches",
    ),
)


def _cell(name: str, dtype: str, units: str, long_name: str) -> Variable:
    return Variable(name, ("tx", *_CELLS), dtype, units, long_name)


PATH_MAP_VARIABLES = (
    _cell("num_paths", "<i4", "1", "number of paths"),
    _cell("line_of_sight", "|u1", "", "1 where a path touches nothing, else 0"),
    _cell(
        "k_factor",
        "<f4",
        "1",
        "power of the line of sight over that of all other paths, linear; inf where it is alone",
    ),
    _cell("mean_delay_s", "<f8", "s", "mean of the absolute delays"),
    _cell("rms_delay_spread_s", "<f8", "s", "RMS delay spread"),
    _cell("aod_azimuth_mean", "<f4", "rad", "circular mean of the azimuth of departure"),
    _cell("aod_zenith_mean", "<f4", "rad", "circular mean of the zenith of departure"),
    _cell("aoa_azimuth_mean", "<f4", "rad", "circular mean of the azimuth of arrival"),
    _cell("aoa_zenith_mean", "<f4", "rad", "circular mean of the zenith of arrival"),
    _cell("aod_azimuth_spread", "<f4", "rad", "circular spread of the azimuth of departure"),
    _cell("aod_zenith_spread", "<f4", "rad", "circular spread of the zenith of departure"),
    _cell("aoa_azimuth_spread", "<f4", "rad", "circular spread of the azimuth of arrival"),
    _cell("aoa_zenith_spread", "<f4", "rad", "circular spread of the zenith of arrival"),
)
"""What maps from paths hold besides: weighted by power, NaN where no path brings any."""

PATH_MAP_LAYOUT = (*MAP_LAYOUT, *PATH_MAP_VARIABLES)

_ROW = ("path",)
_CHAIN = ("chain",)
TWIN_VARIABLES = (
    Variable("corner_z_m", ("corner_y", "corner_x"), "<f8", "m", "height of the cells' corners"),
    Variable("is_inside", _CELLS, "|u1", "", "1 where the middle lies inside of an object"),
    _cell(
        "uncertainty_db",
        "<f4",
        "dB",
        "standard deviation of path_gain against reality, as the twin states it",
    ),
    _cell("traced_snapshot", "<i4", "", "snapshot in which the cell was last traced or corrected"),
    _cell("decision", "|u1", "", "0 preserved, 1 updated without tracing, 2 traced again"),
    Variable("tx_decision", ("tx",), "|u1", "", "the same of the transmitter as a whole"),
    Variable("tx_reason", ("tx",), "str", "", "why, in a sentence"),
    Variable("tx_seconds", ("tx",), "<f8", "s", "what the transmitter took"),
    Variable("path_snapshot", ("tx",), "<i4", "", "snapshot that holds the transmitter's paths"),
    Variable("kept_tx", ("kept",), "str", "", "transmitters whose paths this snapshot holds"),
    Variable("kept_num_paths", ("kept",), "<i8", "1", "number of paths of each"),
    Variable("kept_num_chains", ("kept",), "<i8", "1", "number of chains of each"),
    Variable("chain_parent", _CHAIN, "<i4", "", "the chain without its last element; -1 for none"),
    Variable("chain_length", _CHAIN, "|u1", "1", "number of elements"),
    Variable("chain_triangle", _CHAIN, "<u4", "", "a triangle of the last element"),
    Variable("chain_edge", _CHAIN, "|u1", "", "edge of that triangle; 255 for a plane"),
    Variable("path_receiver", _ROW, "<i4", "", "cell of the path: row * cells in a row + column"),
    Variable("path_chain", _ROW, "<i4", "", "chain of the path, -1 if it is scattered"),
    Variable("path_interactions", (*_ROW, "depth"), "|u1", "", "as interactions of datasets"),
    Variable("path_triangle", (*_ROW, "depth"), "<u4", "", "as triangle of datasets"),
    Variable("path_edge", _ROW, "|u1", "", "as edge of datasets"),
    Variable("path_vertex_m", (*_ROW, "depth", "xyz"), "<f4", "m", "as vertex_m of datasets"),
    Variable("path_is_repeat", _ROW, "|u1", "", "1 if another path is the same"),
    Variable("path_a", (*_ROW, "rx_pol", "tx_pol"), "<c8", "1", "as a of datasets"),
    Variable("path_doppler_hz", _ROW, "<f8", "Hz", "Doppler shift by moving ends and objects"),
    Variable("path_vegetation_loss_db", _ROW, "<f8", "dB", "loss in vegetation on the way"),
)
"""What a snapshot of a twin holds beside its map: state of the cells, geometry of the paths."""

TWIN_LAYOUT = (*PATH_MAP_LAYOUT, *TWIN_VARIABLES)


_WHO = ("time", "ue")
_LINK = (*_WHO, "tx")
TRACE_LAYOUT = (
    *TX_VARIABLES,
    Variable("time_s", ("time",), "<f8", "s", "time of the row, in equal steps"),
    Variable("ue_name", ("ue",), "str", "", "name of the user equipment"),
    Variable("ue_position_m", (*_WHO, "xyz"), "<f8", "m", "position; NaN where the track has none"),
    Variable(
        "path_gain",
        _LINK,
        "<f8",
        "1",
        "path gain, linear; 0 where nothing arrives, NaN outside of the map or without a position",
    ),
    Variable(
        "path_gain_standard_error_db",
        _LINK,
        "<f4",
        "dB",
        "standard error of path_gain as the twin states it; 0 for exact paths, NaN where "
        "nothing arrives",
    ),
    Variable("rss_dbm", _LINK, "<f4", "dBm", "received power; -inf where nothing arrives"),
    Variable(
        "sinr_db",
        _LINK,
        "<f4",
        "dB",
        "power over noise and all other transmitters times interference_load; -inf where "
        "nothing arrives",
    ),
    Variable("cqi", _LINK, "|i1", "", "channel quality indicator; 0 out of range, -1 unknown"),
    Variable("mcs", _LINK, "|i1", "", "modulation and coding scheme; -1 where none can be used"),
    Variable("spectral_efficiency", _LINK, "<f4", "bit", "bits per resource element; 0 in outage"),
    Variable(
        "rate_mbps",
        _LINK,
        "<f4",
        "Mbit s-1",
        "rate with all resource blocks of the transmitter; 0 in outage",
    ),
    Variable(
        "line_of_sight",
        _LINK,
        "|i1",
        "",
        "1 if nothing stands between, 0 if something does, -1 unknown",
    ),
    Variable(
        "serving_tx", _WHO, "<i2", "", "serving cell after hysteresis, row of tx; -1 where none"
    ),
    Variable("handover", _WHO, "|u1", "", "1 where serving_tx changed from one cell to another"),
    Variable(
        "state",
        _WHO,
        "|u1",
        "",
        "0 served, 1 below the lowest CQI, 2 nothing arrives, 3 outside of the map, 4 no position",
    ),
)

LOAD_VARIABLES = (
    Variable("tx_load", ("time", "tx"), "<f4", "1", "share of the time in which it sends"),
)
"""What a link trace holds beside, where users' demand decides how much cells interfere."""

FADED_VARIABLES = (
    Variable(
        "effective_sinr_db",
        _LINK,
        "<f4",
        "dB",
        "effective SINR of the MCS, mean over the row, within -20 and 45 dB; -inf where nothing "
        "arrives, NaN without a position",
    ),
    Variable("num_layers", _LINK, "|i1", "1", "layers; 0 in outage"),
    Variable(
        "block_error_rate",
        _LINK,
        "<f4",
        "1",
        "share of the first transmissions that fail; NaN in outage",
    ),
    Variable(
        "lost_blocks",
        _LINK,
        "<f4",
        "1",
        "share of the blocks that fail in all transmissions; NaN in outage",
    ),
)
"""What a link trace holds beside, where its link layer is that of the paths."""


def trace_layout(attributes: Mapping[str, Any]) -> tuple[Variable, ...]:
    """The variables of a link trace with these attributes."""
    load = LOAD_VARIABLES if "demand_mbps" in attributes else ()
    return (*TRACE_LAYOUT, *load, *(FADED_VARIABLES if attributes.get("link") == "paths" else ()))


def layout_of(attributes: Mapping[str, Any]) -> tuple[Variable, ...] | None:
    """The variables of a file with these root attributes; None if it is of no known kind."""
    of_maps: tuple[Variable, ...] = MAP_LAYOUT
    if attributes.get("method") == "paths":
        of_maps = TWIN_LAYOUT if "snapshot" in attributes else PATH_MAP_LAYOUT
    layouts = {
        PATHS_FORMAT: PATHS_LAYOUT,
        SWEEP_FORMAT: SWEEP_LAYOUT,
        MAP_FORMAT: of_maps,
        TRACE_FORMAT: trace_layout(attributes),
    }
    return layouts.get(str(attributes.get("format")))


COORDINATES = {
    "xyz": ("x", "y", "z"),
    "angle": ("yaw", "pitch", "roll"),
}
PORT_LABELS = {
    "V": ("V",),
    "H": ("H",),
    "VH": ("V", "H"),
    "cross": ("slant -45", "slant +45"),
    "file": ("file",),
}


def tx_port_labels(recipe: Recipe, tx: Iterable[int] | None = None) -> tuple[str, ...]:
    """Names of the transmit ports; numbers where transmitters differ in polarisation.

    Args:
        tx: Rows of the transmitters; None for all.
    """
    chosen = range(len(recipe.transmitter)) if tx is None else tx
    labels = {PORT_LABELS[recipe.transmitter[n].antenna.polarization] for n in chosen}
    if len(labels) == 1:
        return labels.pop()
    return tuple(f"port {n}" for n in range(recipe.transmitter[0].antenna.num_ports))
