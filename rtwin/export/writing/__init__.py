"""Writing: exports in place whole, large arrays a block of rows at a time."""

from rtwin.export.writing.mat_file import save_mat
from rtwin.export.writing.place import MARK, check_target, finished_folder, new_file, new_folder
from rtwin.export.writing.stream import RowWriter, write_npz

__all__ = [
    "MARK",
    "RowWriter",
    "check_target",
    "finished_folder",
    "new_file",
    "new_folder",
    "save_mat",
    "write_npz",
]
