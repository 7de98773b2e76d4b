"""What changed in a world, as a file says it; the world after it; what differs between two."""

from rtwin.horizontal.edits.differences import (
    Differences,
    ObjectChange,
    TransmitterChange,
    differences,
)
from rtwin.scene import Edit, Edits, edits_from_dict, load_edits
from rtwin.trace import apply_edits

__all__ = [
    "Differences",
    "Edit",
    "Edits",
    "ObjectChange",
    "TransmitterChange",
    "apply_edits",
    "differences",
    "edits_from_dict",
    "load_edits",
]
