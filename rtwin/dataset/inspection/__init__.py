"""The one door through which HDF5 files come in: a file of a stranger is data and no more.

open_checked(file)    one of rtwin's files: structure, layout, attributes, and every value read
open_container(file)  any HDF5 file: structure alone
"""

from rtwin.dataset.inspection.attributes import Attributes, plain, read_attributes, scene_folder
from rtwin.dataset.inspection.container import DAMAGE, is_hdf5, open_container
from rtwin.dataset.inspection.file import (
    CheckedFile,
    CheckedVariable,
    is_snapshot_name,
    open_checked,
    open_unchecked,
    problems_of,
    snapshot_files,
)

__all__ = [
    "DAMAGE",
    "Attributes",
    "CheckedFile",
    "CheckedVariable",
    "is_hdf5",
    "is_snapshot_name",
    "open_checked",
    "open_container",
    "open_unchecked",
    "plain",
    "problems_of",
    "read_attributes",
    "scene_folder",
    "snapshot_files",
]
