"""Merging: several maps of one area as one, each as far as it can be trusted."""

from rtwin.horizontal.merging.files import merge_files
from rtwin.horizontal.merging.fusion import RULES, Merged, merge_maps

__all__ = [
    "RULES",
    "Merged",
    "merge_files",
    "merge_maps",
]
