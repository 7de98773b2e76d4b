"""The store: HDF5 files with coordinates and hashes, in place whole or not at all."""

from rtwin.dataset.store.chunk_threads import ChunkThreads
from rtwin.dataset.store.contents import (
    attach_dimensions,
    blocks,
    content_hash,
    create_variable,
    fill_file,
    meaning,
    provenance,
    write_header,
    write_table,
)
from rtwin.dataset.store.hdf5_sink import hdf5_sink
from rtwin.dataset.store.placement import (
    RESUME,
    file_image,
    is_own_file,
    plain_errors,
    prepare_place,
    prepare_target,
    reserve_space,
    sole_writer,
    write_image,
    write_whole,
)
from rtwin.dataset.store.scene_columns import scene_attributes, transmitter_columns

__all__ = [
    "RESUME",
    "ChunkThreads",
    "attach_dimensions",
    "blocks",
    "content_hash",
    "create_variable",
    "file_image",
    "fill_file",
    "hdf5_sink",
    "is_own_file",
    "meaning",
    "plain_errors",
    "prepare_place",
    "prepare_target",
    "provenance",
    "reserve_space",
    "scene_attributes",
    "sole_writer",
    "transmitter_columns",
    "write_header",
    "write_image",
    "write_table",
    "write_whole",
]
