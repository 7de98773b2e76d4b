"""Where receivers stand and users move: drawn, on grids, in tables, along ways."""

from rtwin.scene.places.mobility import Walk, random_waypoint, walk_ways
from rtwin.scene.places.receivers import Receivers, csv_positions_m, place_receivers
from rtwin.scene.places.tracks import Tracks, read_tracks
from rtwin.scene.places.ways import read_footways

__all__ = [
    "Receivers",
    "Tracks",
    "Walk",
    "csv_positions_m",
    "place_receivers",
    "random_waypoint",
    "read_footways",
    "read_tracks",
    "walk_ways",
]
