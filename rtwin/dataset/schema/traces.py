"""Variables of link traces: what the users of a network meet on their way."""

from collections.abc import Mapping
from typing import Any

from rtwin.dataset.schema.paths import TX_VARIABLES
from rtwin.dataset.schema.variables import Variable

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
