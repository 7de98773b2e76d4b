"""Antenna patterns from files: what manufacturers publish, and tables of one's own."""

from rtwin.scene.antenna.pattern import AntennaPattern, from_cuts
from rtwin.scene.antenna.read import PATTERN_SUFFIXES, read_antenna

__all__ = ["PATTERN_SUFFIXES", "AntennaPattern", "from_cuts", "read_antenna"]
