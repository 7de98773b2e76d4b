"""Datasets of paths and radio maps: layout, writing, reading, checking.

generate(recipe, file)            -> paths, in resumable shards
generate_radio_map(recipe, file)  -> radio map
sample(twin, tracks, file)        -> link trace of moving users
open_dataset(file), open_radio_map(file), open_link_trace(file)
file_info(file), validate_file(file)
"""

from rtwin.dataset.evaluate import evaluate
from rtwin.dataset.generate import generate
from rtwin.dataset.info import file_info
from rtwin.dataset.learning import LinkTensors, angle_delay, split_receivers, tf_dataset
from rtwin.dataset.link_budget import make_link_trace
from rtwin.dataset.link_trace import LinkTrace, open_link_trace, write_link_trace
from rtwin.dataset.map_reader import RadioMap, open_radio_map
from rtwin.dataset.picture import render_scene
from rtwin.dataset.radiomap import generate_radio_map
from rtwin.dataset.reader import PathDataset, open_dataset
from rtwin.dataset.sample import sample, sample_map
from rtwin.dataset.twin import SampleSettings
from rtwin.dataset.validate import validate_file

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
