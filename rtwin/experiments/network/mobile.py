"""A radio map as the channel of mobile-env.

mobile-env's map starts at (0, 0), a scene's anywhere: places of mobile-env are
those of the scene less the map's lower left corner.
"""

from pathlib import Path
from typing import Any

import numpy as np
from mobile_env.core.channels import Channel
from mobile_env.core.entities import BaseStation

from rtwin.channel import interpolate_path_gain
from rtwin.dataset import RadioMap, open_radio_map
from rtwin.errors import OutOfRangeError
from rtwin.units import to_db


class RadioMapChannel(Channel):
    """Path loss of mobile-env from a radio map, antennas included.

    A base station's bs_id is its row among the map's transmitters. Where no ray
    came, and outside of the map, the loss is infinite and the SNR 0;
    `num_asked` and `num_lost` count how often that was.

    Args:
        radio_map: A radio map or its file; `config["channel_params"]["radio_map"]`.
        kwargs: What mobile-env adds, such as a seed; not used.
    Raises:
        StoreError: if the file cannot be read.
    Checked by tests/experiments/network/test_mobile_env_peer.py.
    """

    def __init__(self, radio_map: RadioMap | str | Path, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._map = radio_map if isinstance(radio_map, RadioMap) else open_radio_map(radio_map)
        self._corner_m, _ = _corners(self._map)
        self.num_asked = self.num_lost = 0

    def reset(self) -> None:
        """Nothing changes between episodes."""

    def power_loss(self, bs: Any, ue: Any) -> float:
        """Path loss between a base station and a user [dB]; infinite where nothing arrives.

        Raises:
            OutOfRangeError: if the map has no transmitter of that number.
        """
        if not 0 <= bs.bs_id < len(self._map.tx_name):
            raise OutOfRangeError(
                f"base station {bs.bs_id} is none of the map's {len(self._map.tx_name)} "
                "transmitters; number them from 0"
            )
        centers = self._map.cell_centers_m
        gain, _ = interpolate_path_gain(
            self._map.path_gain[bs.bs_id : bs.bs_id + 1],
            self._map.path_gain_standard_error[bs.bs_id : bs.bs_id + 1],
            centers[0, :, 0],
            centers[:, 0, 1],
            np.array([[ue.x + self._corner_m[0], ue.y + self._corner_m[1]]]),
        )
        found = float(np.nan_to_num(gain[0, 0]))
        self.num_asked += 1
        self.num_lost += found == 0
        return float(-to_db(found))


def mobile_env_config(radio_map: RadioMap) -> dict[str, Any]:
    """The part of mobile-env's configuration that a radio map decides: size, channel, noise.

    mobile-env gives its configuration to all parts by reference, so take a
    fresh one for each environment.
    """
    low, high = _corners(radio_map)
    width, height = (float(v) for v in high - low)
    size = {"width": width, "height": height}
    return {
        **size,
        "channel": RadioMapChannel,
        "channel_params": {"radio_map": radio_map},
        "movement_params": {**size, "reset_rng_episode": False},
        # Its SNR is in milliwatts over milliwatts.
        "ue": {"noise": float(radio_map.attributes["noise_power_w"]) * 1e3},
    }


def mobile_env_stations(radio_map: RadioMap, bandwidth_hz: float) -> list[Any]:
    """The map's transmitters as mobile-env's base stations, numbered by row."""
    low, _ = _corners(radio_map)
    frequency_mhz = float(radio_map.attributes["frequency_hz"]) / 1e6
    return [
        BaseStation(
            row, tuple(position[:2] - low), bandwidth_hz, frequency_mhz, float(power), position[2]
        )
        for row, (position, power) in enumerate(
            zip(radio_map.tx_position_m, radio_map.tx_power_dbm, strict=True)
        )
    ]


def _corners(radio_map: RadioMap) -> tuple[Any, Any]:
    """Lower left and upper right corner of the map [m], [2] each."""
    half = float(radio_map.attributes["cell_size_m"]) / 2
    centers = radio_map.cell_centers_m
    return centers[0, 0, :2] - half, centers[-1, -1, :2] + half
