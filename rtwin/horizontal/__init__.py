"""Keeping a twin current: edits of its world, and what they do to its paths and maps.

recipe, parts --apply_edits--> recipe, parts --differences--> what changed, and where
"""

from rtwin.horizontal.differences import (
    Differences,
    ObjectChange,
    TransmitterChange,
    differences,
)
from rtwin.horizontal.edits import Edit, Edits, apply_edits, edits_from_dict, load_edits

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
