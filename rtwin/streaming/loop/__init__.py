"""Closed loops: twins decide, the network serves, reports come back."""

from rtwin.streaming.loop.closed_loop import ClosedLoop
from rtwin.streaming.loop.reality import Outcome, World, bits_of_block, multicast_trace
from rtwin.streaming.loop.records import KNOWN, WAYS, Belief, Log, Step

__all__ = [
    "KNOWN",
    "WAYS",
    "Belief",
    "ClosedLoop",
    "Log",
    "Outcome",
    "Step",
    "World",
    "bits_of_block",
    "multicast_trace",
]
