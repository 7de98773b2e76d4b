"""Reading: files opened as paths, maps, link traces or tensors, and whether they hold."""

from rtwin.dataset.reading.dark import darkness
from rtwin.dataset.reading.info import file_info
from rtwin.dataset.reading.learning import LinkTensors, angle_delay, split_receivers, tf_dataset
from rtwin.dataset.reading.link_trace import (
    BELOW_CQI,
    NO_POSITION,
    NOTHING_ARRIVES,
    OUTSIDE,
    SERVED,
    LinkTrace,
    open_link_trace,
    write_link_trace,
)
from rtwin.dataset.reading.map_reader import RadioMap, open_radio_map
from rtwin.dataset.reading.reader import PathDataset, array_of, open_dataset
from rtwin.dataset.reading.validate import validate_file
from rtwin.dataset.reading.world import OF_EDITED, world_of

__all__ = [
    "BELOW_CQI",
    "NOTHING_ARRIVES",
    "NO_POSITION",
    "OF_EDITED",
    "OUTSIDE",
    "SERVED",
    "LinkTensors",
    "LinkTrace",
    "PathDataset",
    "RadioMap",
    "angle_delay",
    "array_of",
    "darkness",
    "file_info",
    "open_dataset",
    "open_link_trace",
    "open_radio_map",
    "split_receivers",
    "tf_dataset",
    "validate_file",
    "world_of",
    "write_link_trace",
]
