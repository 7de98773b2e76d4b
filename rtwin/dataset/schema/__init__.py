"""The layout of rtwin's HDF5 files: names, types, units and meanings in one place.

Paths are a CF contiguous ragged array: flat variables over all paths, and
`num_paths` says how many belong to each link. Links run over receivers, then
transmitters: link = rx * num_tx + tx. docs/dataset.md is made from these tables.
"""

from collections.abc import Mapping
from typing import Any

from rtwin.dataset.schema.maps import (
    MAP_LAYOUT,
    PATH_MAP_LAYOUT,
    PATH_MAP_VARIABLES,
    TWIN_LAYOUT,
    TWIN_VARIABLES,
)
from rtwin.dataset.schema.paths import (
    LINK_VARIABLES,
    PATH_VARIABLES,
    PATHS_LAYOUT,
    RX_VARIABLES,
    SCENE_VARIABLES,
    SWEEP_LAYOUT,
    SWEPT,
    TX_VARIABLES,
    tx_port_labels,
)
from rtwin.dataset.schema.traces import (
    FADED_VARIABLES,
    LOAD_VARIABLES,
    TRACE_LAYOUT,
    trace_layout,
)
from rtwin.dataset.schema.variables import (
    COORDINATES,
    FORMAT_VERSION,
    HASH_VERSION,
    MAP_FORMAT,
    MAP_METHODS,
    MEANING,
    PATHS_FORMAT,
    PORT_LABELS,
    SWEEP_FORMAT,
    TRACE_FORMAT,
    Variable,
)

__all__ = [
    "COORDINATES",
    "FADED_VARIABLES",
    "FORMAT_VERSION",
    "HASH_VERSION",
    "LINK_VARIABLES",
    "LOAD_VARIABLES",
    "MAP_FORMAT",
    "MAP_LAYOUT",
    "MAP_METHODS",
    "MEANING",
    "PATHS_FORMAT",
    "PATHS_LAYOUT",
    "PATH_MAP_LAYOUT",
    "PATH_MAP_VARIABLES",
    "PATH_VARIABLES",
    "PORT_LABELS",
    "RX_VARIABLES",
    "SCENE_VARIABLES",
    "SWEEP_FORMAT",
    "SWEEP_LAYOUT",
    "SWEPT",
    "TRACE_FORMAT",
    "TRACE_LAYOUT",
    "TWIN_LAYOUT",
    "TWIN_VARIABLES",
    "TX_VARIABLES",
    "Variable",
    "layout_of",
    "trace_layout",
    "tx_port_labels",
]


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
