"""Rehearsal: what could happen to a twin, simulated while it is idle and kept beside it."""

from rtwin.horizontal.rehearsal.embedding import JointEmbedding, joint_embedding
from rtwin.horizontal.rehearsal.hypotheses import (
    KINDS,
    PALETTE,
    SIZES_M,
    SMALL_M,
    Enumeration,
    Hypothesis,
    Kind,
    rows_of,
)
from rtwin.horizontal.rehearsal.library import (
    LIBRARY_FILE,
    Library,
    Rehearsed,
    floor_change_db,
    read_library,
    rehearsed,
    write_library,
)
from rtwin.horizontal.rehearsal.rehearse import library_of, rehearse, rehearse_state, simulate

__all__ = [
    "KINDS",
    "LIBRARY_FILE",
    "PALETTE",
    "SIZES_M",
    "SMALL_M",
    "Enumeration",
    "Hypothesis",
    "JointEmbedding",
    "Kind",
    "Library",
    "Rehearsed",
    "floor_change_db",
    "joint_embedding",
    "library_of",
    "read_library",
    "rehearse",
    "rehearse_state",
    "rehearsed",
    "rows_of",
    "simulate",
    "write_library",
]
