"""Keeping a twin current: edits of its world, and what they do to its paths and maps.

recipe, parts --apply_edits--> recipe, parts --differences--> what changed, and where
TwinState --retrace--> TwinState of the edited world, exactly, or a rung of the ladder
measurements --update_measured--> does the twin agree, what may have happened, its map after it
maps and twins --merge_files--> one map, each as far as it can be trusted
"""

from rtwin.horizontal.conformal import ConformalScale, conformal_scale
from rtwin.horizontal.decision import Decision, decide
from rtwin.horizontal.differences import (
    Differences,
    ObjectChange,
    TransmitterChange,
    differences,
)
from rtwin.horizontal.edits import Edit, Edits, apply_edits, edits_from_dict, load_edits
from rtwin.horizontal.ladder import RUNGS, Estimate
from rtwin.horizontal.measured import MeasuredUpdate, update_measured, write_suggestion
from rtwin.horizontal.merge import RULES, Merged, merge_maps
from rtwin.horizontal.merged_file import merge_files
from rtwin.horizontal.picture import plot_twin
from rtwin.horizontal.retrace import Retraced, retrace
from rtwin.horizontal.snapshot import DECISIONS, Note, Snapshot
from rtwin.horizontal.state import TwinState, trace_state
from rtwin.horizontal.synthesis import stored_twin
from rtwin.horizontal.twin import (
    append_snapshot,
    create_twin,
    history,
    open_twin,
    updating,
    write_snapshot_map,
)
from rtwin.horizontal.unknown import Correction, correct
from rtwin.horizontal.update import update_twin

__all__ = [
    "DECISIONS",
    "RULES",
    "RUNGS",
    "ConformalScale",
    "Correction",
    "Decision",
    "Differences",
    "Edit",
    "Edits",
    "Estimate",
    "MeasuredUpdate",
    "Merged",
    "Note",
    "ObjectChange",
    "Retraced",
    "Snapshot",
    "TransmitterChange",
    "TwinState",
    "append_snapshot",
    "apply_edits",
    "conformal_scale",
    "correct",
    "create_twin",
    "decide",
    "differences",
    "edits_from_dict",
    "history",
    "load_edits",
    "merge_files",
    "merge_maps",
    "open_twin",
    "plot_twin",
    "retrace",
    "stored_twin",
    "trace_state",
    "update_measured",
    "update_twin",
    "updating",
    "write_snapshot_map",
    "write_suggestion",
]
