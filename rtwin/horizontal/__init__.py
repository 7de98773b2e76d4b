"""Keeping a twin current: edits of its world, and what they do to its paths and maps.

recipe, parts --apply_edits--> recipe, parts --differences--> what changed, and where
TwinState --retrace--> TwinState of the edited world, exactly, or a rung of the ladder
"""

from rtwin.horizontal.differences import (
    Differences,
    ObjectChange,
    TransmitterChange,
    differences,
)
from rtwin.horizontal.edits import Edit, Edits, apply_edits, edits_from_dict, load_edits
from rtwin.horizontal.ladder import RUNGS, Estimate
from rtwin.horizontal.retrace import Retraced, retrace
from rtwin.horizontal.state import TwinState, trace_state

__all__ = [
    "RUNGS",
    "Differences",
    "Edit",
    "Edits",
    "Estimate",
    "ObjectChange",
    "Retraced",
    "TransmitterChange",
    "TwinState",
    "apply_edits",
    "differences",
    "edits_from_dict",
    "load_edits",
    "retrace",
    "trace_state",
]
