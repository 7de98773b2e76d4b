"""Datasets of paths and radio maps: layout, writing, reading, checking.

generate(recipe, file)            -> paths, in resumable shards
generate_radio_map(recipe, file)  -> radio map
sample(twin, tracks, file)        -> link trace of moving users
open_dataset(file), open_radio_map(file), open_link_trace(file)
file_info(file), validate_file(file)
"""

from rtwin.dataset.generation import evaluate, generate, generate_radio_map
from rtwin.dataset.pictures import render_scene
from rtwin.dataset.reading import (
    LinkTensors,
    LinkTrace,
    PathDataset,
    RadioMap,
    angle_delay,
    file_info,
    open_dataset,
    open_link_trace,
    open_radio_map,
    split_receivers,
    tf_dataset,
    validate_file,
    write_link_trace,
)
from rtwin.dataset.tracks import SampleSettings, make_link_trace, sample, sample_map

__all__ = [
    "LinkTensors",
    "LinkTrace",
    "PathDataset",
    "RadioMap",
    "SampleSettings",
    "angle_delay",
    "evaluate",
    "file_info",
    "generate",
    "generate_radio_map",
    "make_link_trace",
    "open_dataset",
    "open_link_trace",
    "open_radio_map",
    "render_scene",
    "sample",
    "sample_map",
    "split_receivers",
    "tf_dataset",
    "validate_file",
    "write_link_trace",
]
