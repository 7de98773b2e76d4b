"""Tables of recipes that many tests begin with, as plain data."""

import dataclasses
from typing import Any

import numpy as np
import tomlkit


def plane(size_m=100.0, material="concrete", name="ground", **more: Any) -> dict[str, Any]:
    """A square sheet at the origin; the ground, where it is not called otherwise."""
    size = [size_m, size_m] if isinstance(size_m, int | float) else size_m
    table = {"name": name, "material": material, "shape": "plane"}
    return {**table, "center_m": [0, 0, 0], "size_m": size, **more}


def box(name: str, center_m: Any, size_m: Any, material="brick", **more: Any) -> dict[str, Any]:
    """A box by its middle and its edges."""
    table = {"name": name, "material": material, "shape": "box"}
    return {**table, "center_m": center_m, "size_m": size_m, **more}


def wall(name: str, ends_m: Any, base_m: float, height_m: float, material: str) -> dict[str, Any]:
    """An upright sheet between two points of the plane."""
    table = {"name": name, "material": material, "shape": "wall"}
    ends = {"from_m": ends_m[0], "to_m": ends_m[1]}
    return {**table, **ends, "base_m": base_m, "height_m": height_m}


TREE = box("tree", [10, -10, 4], [6, 6, 8], "vegetation")
# Five receivers, the last of them inside the metal box of `two_boxes`, without a path.
WITH_A_DEAD_SPOT = {
    "kind": "list",
    "keep_invalid": True,
    "positions_m": [[25, -25, 1.5], [-5, 8, 1.5], [-35, -20, 1.5], [10, 35, 1.5], [-18, -15, 3]],
}


def plane_scene(*objects: dict[str, Any], size_m=60.0, **more: Any) -> dict[str, Any]:
    """A recipe of a ground, objects on it and a mast in the middle."""
    return {
        "title": "A plane",
        "frequency_hz": 3.5e9,
        "geometry": {"ground": ["ground"]},
        "object": [plane(size_m), *objects],
        "transmitter": [{"name": "mast", "position_m": [0, 0, 10]}],
        **more,
    }


def one_antenna_scene(
    objects: list[dict[str, Any]], tx_m: Any, receivers: Any, polarization: str, **solver: Any
) -> dict[str, Any]:
    """A recipe of a transmitter and receivers, a list of places or a table, of one polarisation."""
    if not isinstance(receivers, dict):
        receivers = {"kind": "list", "positions_m": receivers}
    antenna = {"polarization": polarization}
    return {
        "title": "Antennas of one kind",
        "frequency_hz": 3.5e9,
        "object": objects,
        "transmitter": [{"name": "tx", "position_m": tx_m, "antenna": antenna}],
        "receivers": {"keep_invalid": True, "antenna": antenna, **receivers},
        "solver": solver,
    }


def toml(table: dict[str, Any]) -> str:
    """A table as a recipe file has it."""
    return tomlkit.dumps(table)


def unreached(radio_map: Any) -> Any:
    """A map that no wave reaches."""
    return dataclasses.replace(
        radio_map,
        path_gain=np.zeros_like(radio_map.path_gain),
        rss_dbm=np.full_like(radio_map.rss_dbm, -np.inf),
        sinr=np.zeros_like(radio_map.sinr),
        serving_transmitter=np.full_like(radio_map.serving_transmitter, -1),
    )


def two_masts(*, points: int, **columns: str) -> dict[str, Any]:
    """A campaign on a plain; its table is points.csv, with the levels in `rss`."""
    places = {"a": (0.0, 0.0, 20.0), "b": (300.0, 100.0, 25.0)}
    names = ("x_m", "y_m", "height_m")
    return {
        "title": "Two masts on a plain",
        "frequency_hz": 3.5e9,
        "transmitter": [
            {"name": name, **dict(zip(names, place, strict=True))} for name, place in places.items()
        ],
        "measurements": {
            "file": "points.csv",
            "value": "rss",
            "tx": "cell",
            "x": "x",
            "y": "y",
            **columns,
        },
        "validation": {
            "block_m": 50.0,
            "repeats": 1,
            "learning_curve": [20],
            "points": points,
        },
    }


def one_mast(**fit: Any) -> dict[str, Any]:
    """The least that a campaign says, and what its [fit] says."""
    return {
        "title": "t",
        "frequency_hz": 3e9,
        "transmitter": [{"name": "a", "x_m": 0, "y_m": 0, "height_m": 9}],
        "measurements": {"file": "p.csv", "x": "x", "y": "y"},
        "fit": fit,
    }


def masts(num: int, power_dbm: float = 30.0) -> dict[str, Any]:
    """What a link trace says of transmitters that all stand at the origin."""
    zeros = ("tx_position_m", "tx_orientation_rad", "tx_velocity_m_s")
    return {
        "tx_name": tuple(f"tx_{i}" for i in range(num)),
        **{name: np.zeros((num, 3)) for name in zeros},
        "tx_power_dbm": np.full(num, power_dbm),
    }
