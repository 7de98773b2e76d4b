"""Tables of strangers: what their columns are called, and their cells, checked one by one."""

from rtwin.scene.columns.cells import PLACES, read_csv, read_receiver_csv
from rtwin.scene.columns.column_names import MEANINGS, flat_name, recognised, same_meaning

__all__ = [
    "MEANINGS",
    "PLACES",
    "flat_name",
    "read_csv",
    "read_receiver_csv",
    "recognised",
    "same_meaning",
]
