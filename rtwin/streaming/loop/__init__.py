"""Closed loops: twins decide, the network serves, reports come back."""

from rtwin.streaming.loop.closed_loop import ClosedLoop
from rtwin.streaming.loop.feed import (
    TWIN_VARIABLES,
    VIEW_COLUMNS,
    WAY_COLUMNS,
    twins_dataset,
    twins_of,
    view_rows,
    way_rows,
    write_feed,
)
from rtwin.streaming.loop.reality import Outcome, World, bits_of_block, multicast_trace
from rtwin.streaming.loop.records import KNOWN, WAYS, Belief, Log, Step

__all__ = [
    "KNOWN",
    "TWIN_VARIABLES",
    "VIEW_COLUMNS",
    "WAYS",
    "WAY_COLUMNS",
    "Belief",
    "ClosedLoop",
    "Log",
    "Outcome",
    "Step",
    "World",
    "bits_of_block",
    "multicast_trace",
    "twins_dataset",
    "twins_of",
    "view_rows",
    "way_rows",
    "write_feed",
]
