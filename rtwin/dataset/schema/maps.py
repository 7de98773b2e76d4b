"""Variables of radio maps and of the snapshots of twins, which are maps that hold more."""

from rtwin.dataset.schema.paths import TX_VARIABLES
from rtwin.dataset.schema.variables import Variable

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


_DIRECTIONS = {
    "aod_azimuth": "azimuth of departure",
    "aod_zenith": "zenith of departure",
    "aoa_azimuth": "azimuth of arrival",
    "aoa_zenith": "zenith of arrival",
}
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
    *(
        _cell(f"{angle}_{figure}", "<f4", "rad", f"circular {figure} of the {said}")
        for figure in ("mean", "spread")
        for angle, said in _DIRECTIONS.items()
    ),
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
