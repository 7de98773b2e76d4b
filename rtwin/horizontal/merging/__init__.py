"""Merging: several maps, or channel twins, of one area as one, each as far as it can be trusted."""

from rtwin.horizontal.merging.channel_files import merge_channel_files
from rtwin.horizontal.merging.channels import LinkPaths, MergedPaths, merge_paths
from rtwin.horizontal.merging.files import merge_files
from rtwin.horizontal.merging.fusion import RULES, Merged, merge_maps

__all__ = [
    "RULES",
    "LinkPaths",
    "Merged",
    "MergedPaths",
    "merge_channel_files",
    "merge_files",
    "merge_maps",
    "merge_paths",
]
