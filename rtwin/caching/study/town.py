"""A small town for the study: blocks of houses, five stations at crossings, streets to walk on."""

from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.dataset import SampleSettings, generate_radio_map, open_radio_map, sample_map
from rtwin.dataset.reading import RadioMap
from rtwin.scene import Recipe, Tracks, Walk, recipe_from_dict, walk_ways
from rtwin.units import wavelength_m

BLOCKS, BLOCK_M, STREET_M = 4, 70.0, 18.0
PITCH_M = BLOCK_M + STREET_M
HALF_M = BLOCKS * PITCH_M / 2
# Crossings of the stations, in steps of streets from the middle: a centre and four around it.
STATIONS = ((0, 0), (-1, 1), (1, 1), (-1, -1), (1, -1))
MAST_M, POWER_DBM, FREQUENCY_HZ = 9.0, 33.0, 3.5e9
CELL_M, RAYS = 6.0, 400_000


def town_recipe() -> Recipe:
    """The town: 16 blocks of houses of different heights, masts below the roofs."""
    rng = np.random.Generator(np.random.PCG64(20))
    objects: list[dict[str, Any]] = [
        {
            "name": "ground",
            "material": "concrete",
            "shape": "plane",
            "center_m": [0, 0, 0],
            "size_m": [2 * HALF_M + 40, 2 * HALF_M + 40],
        }
    ]
    for row in range(BLOCKS):
        for column in range(BLOCKS):
            height = float(np.round(rng.uniform(12, 25), 1))
            x, y = ((k + 0.5) * PITCH_M - HALF_M for k in (column, row))
            objects.append(
                {
                    "name": f"block_{row}_{column}",
                    "material": str(rng.choice(["brick", "concrete"])),
                    "shape": "box",
                    "center_m": [x, y, height / 2 - 0.5],
                    "size_m": [BLOCK_M, BLOCK_M, height + 1.0],
                }
            )
    masts = [
        {
            "name": f"station_{number}",
            "position_m": [x * PITCH_M + 4.0, y * PITCH_M + 4.0, MAST_M],
            "power_dbm": POWER_DBM,
        }
        for number, (x, y) in enumerate(STATIONS)
    ]
    area = [-HALF_M - 12, -HALF_M - 12, HALF_M + 12, HALF_M + 12]
    return recipe_from_dict(
        {
            "title": "A town of sixteen blocks with five stations",
            "frequency_hz": FREQUENCY_HZ,
            "geometry": {"ground": ["ground"]},
            "object": objects,
            "transmitter": masts,
            "radio_map": {"cell_size_m": CELL_M, "rays": RAYS, "area": area},
        },
        "town",
    )


def streets() -> list[Floats]:
    """The middle lines of all streets [m], [2, 2] each; those at the edge go around the town."""
    lines = []
    for k in range(BLOCKS + 1):
        at = k * PITCH_M - HALF_M
        lines.append(np.array([[-HALF_M, at], [HALF_M, at]]))
        lines.append(np.array([[at, -HALF_M], [at, HALF_M]]))
    return lines


def town_map(folder: Path) -> RadioMap:
    """The radio map of the town, traced into a folder."""
    return open_radio_map(generate_radio_map(town_recipe(), folder / "town.h5"))


def street_walk(walk: Walk) -> Tracks:
    """Users who walk along the streets."""
    return walk_ways(streets(), walk)


def free_space_gain(radio_map: RadioMap, tracks: Tracks) -> Floats:
    """Path gain without the town, by Friis, [time, user, station]: a twin that knows no houses."""
    place = tracks.position_m.copy()
    place[..., 2] = np.where(np.isnan(place[..., 2]), 1.5, place[..., 2])
    distance = np.linalg.norm(place[:, :, None] - radio_map.tx_position_m, axis=-1)
    wave = wavelength_m(float(radio_map.attributes["frequency_hz"]))
    return np.asarray((wave / (4 * np.pi * np.maximum(distance, 1.0))) ** 2)


def trace_of(radio_map: RadioMap, tracks: Tracks) -> Any:
    """What the users get from the stations of a map."""
    return sample_map(radio_map, tracks, SampleSettings(line_of_sight=False))
