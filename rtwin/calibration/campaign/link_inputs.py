"""What the statistical models know of a link: distances, angles, who measured, physics."""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.calibration.campaign.measurements import Measurements
from rtwin.channel import tr38901_element_gain_db
from rtwin.units import azimuth_zenith, wrap_angle

GAIN = "gain"
WALL_FEATURES = (
    "line of sight",
    "faces crossed",
    "metres inside",
    "faces in plan",
    "metres inside in plan",
    "logarithm of metres inside in plan",
)
SAME_SITE_M = 3.0
SAME_SECTOR_DEG = 20.0


@dataclass(frozen=True, eq=False)
class Inputs:
    """Columns that models are made of, one row per link."""

    position_m: Floats  # [row, 3], receiver
    log_distance_db: Floats  # [row], 10 log10 of the distance in m
    pattern_db: Floats  # [row], element pattern towards the receiver; 0 where not directional
    bearing: Floats  # [row], azimuth from the boresight [rad]; from east where not directional
    elevation_deg: Floats  # [row], how far below the transmitter's horizon the receiver is
    tx: Ints
    device: Ints
    sector: Ints  # [row], transmitters at one place that look one way are one
    count: Floats  # [row]
    physics: Floats  # [row, feature]; may have no column
    names: tuple[str, ...] = ()  # of the features

    def __len__(self) -> int:
        return len(self.tx)

    def column(self, name: str) -> Floats:
        """One of the scene's features, [row]."""
        return np.asarray(self.physics[:, self.names.index(name)], np.float64)


def link_inputs(
    data: Measurements, physics: Floats | None = None, names: tuple[str, ...] | None = None
) -> Inputs:
    """The inputs of every row.

    Args:
        data: The rows.
        physics: What a scene says of them, [row, feature]; GAIN is the level [dB] that
            physics predicts, up to an offset.
        names: Of the features.
    """
    away = data.position_m - data.tx_position_m
    azimuth, zenith = azimuth_zenith(away)
    yaw, tilt, directional = (
        np.array([getattr(link, name) for link in data.transmitters])[data.tx]
        for name in ("yaw_deg", "downtilt_deg", "is_directional")
    )
    off = np.degrees(wrap_angle(azimuth - np.radians(yaw)))
    # Tilting is a small turn: its elevation part alone counts.
    pattern = tr38901_element_gain_db(off, np.degrees(zenith) - tilt)
    return Inputs(
        position_m=data.position_m,
        log_distance_db=10 * np.log10(np.maximum(np.linalg.norm(away, axis=1), 0.1)),
        pattern_db=np.where(directional, pattern, 0.0),
        bearing=np.radians(off),
        elevation_deg=np.degrees(zenith) - 90,
        tx=data.tx,
        device=data.device,
        sector=_sectors(data)[data.tx],
        count=data.count.astype(np.float64),
        physics=np.zeros((len(data), 0)) if physics is None else physics,
        names=names or (),
    )


def _sectors(data: Measurements) -> Ints:
    """Number of the sector of each transmitter, [tx]."""
    links = data.transmitters
    number = np.arange(len(links))
    for i, a in enumerate(links):
        for j in range(i):
            b = links[j]
            near = np.hypot(*np.subtract(a.position_m, b.position_m)[:2]) < SAME_SITE_M
            turn = np.degrees(abs(wrap_angle(np.radians(a.yaw_deg - b.yaw_deg))))
            alike = a.pattern == b.pattern and (not a.is_directional or turn < SAME_SECTOR_DEG)
            if near and alike:
                number[i] = number[j]
                break
    return number
