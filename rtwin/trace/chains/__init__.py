"""Chains of surfaces: found by rays from a transmitter, and which places each can reach."""

from rtwin.trace.chains.chain_table import ChainTable, discover
from rtwin.trace.chains.device_chains import DeviceChains
from rtwin.trace.chains.images import ChainImages, chain_images, diffraction_parameter
from rtwin.trace.chains.path_table import PathTable
from rtwin.trace.chains.reach import NUM_BOXES, PAIRS_PER_LAUNCH, reachable_pairs
from rtwin.trace.chains.shafts import chains_through_boxes
from rtwin.trace.chains.shoot import shoot
from rtwin.trace.chains.transmitter import (
    NO_CHAIN,
    PATH_COLUMNS,
    StoredChains,
    TracedPaths,
    TransmitterTrace,
    path_ends,
    shift_by_ends_hz,
    sorted_repeats,
    stored_chains,
    traced_paths,
)
from rtwin.trace.chains.wedges import (
    WEDGE_FIELDS,
    edge_numbers,
    edges_of_wedges,
    first_faces,
    wedge_arrays,
    wedges_of_edges,
    wedges_of_rows,
)

__all__ = [
    "NO_CHAIN",
    "NUM_BOXES",
    "PAIRS_PER_LAUNCH",
    "PATH_COLUMNS",
    "WEDGE_FIELDS",
    "ChainImages",
    "ChainTable",
    "DeviceChains",
    "PathTable",
    "StoredChains",
    "TracedPaths",
    "TransmitterTrace",
    "chain_images",
    "chains_through_boxes",
    "diffraction_parameter",
    "discover",
    "edge_numbers",
    "edges_of_wedges",
    "first_faces",
    "path_ends",
    "reachable_pairs",
    "shift_by_ends_hz",
    "shoot",
    "sorted_repeats",
    "stored_chains",
    "traced_paths",
    "wedge_arrays",
    "wedges_of_edges",
    "wedges_of_rows",
]
