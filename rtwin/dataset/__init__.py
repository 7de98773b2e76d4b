"""Datasets of paths and radio maps: layout, writing, reading, checking.

generate(recipe, file)            -> paths, in resumable shards
generate_radio_map(recipe, file)  -> radio map
open_dataset(file), open_radio_map(file), file_info(file), validate_file(file)
"""

from rtwin.dataset.evaluate import evaluate
from rtwin.dataset.generate import generate
from rtwin.dataset.info import file_info
from rtwin.dataset.picture import render_scene
from rtwin.dataset.radiomap import generate_radio_map
from rtwin.dataset.reader import (
    PathDataset,
    RadioMap,
    open_dataset,
    open_radio_map,
    tf_dataset,
)
from rtwin.dataset.validate import validate_file

__all__ = [
    "PathDataset",
    "RadioMap",
    "evaluate",
    "file_info",
    "generate",
    "generate_radio_map",
    "open_dataset",
    "open_radio_map",
    "render_scene",
    "tf_dataset",
    "validate_file",
]
