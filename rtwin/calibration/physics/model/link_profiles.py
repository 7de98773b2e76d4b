"""What stands along each link and around its receiver, read from a raster of heights.

A ray tracer with few interactions misses waves over many roofs and through
trees; how high and how long they stand in the way says much of what it misses.
Positions are wrong by metres, so every feature is a mean over places around.
"""

import numpy as np
from scipy.signal import oaconvolve

from rtwin.arrays import Floats
from rtwin.calibration.campaign import Measurements
from rtwin.channel import knife_edge_loss_db, knife_edge_nu
from rtwin.trace import HeightMap, World, height_map

PROFILE_FEATURES = (
    "roofs along the way",
    "trees along the way",
    "roofs in 60 m",
    "roofs in 150 m",
    "trees in 60 m",
    "trees in 150 m",
    "buildings around 50 m",
    "buildings around 150 m",
    "trees around 50 m",
    "trees around 150 m",
    "horizon",
)
_STEP_M = 4.0
_SAMPLES_PER_BLOCK = 2_000_000
_SPREAD_M = 7.0
_AROUND = _SPREAD_M * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]], np.float64)
_NO_EDGE = -0.78  # of the diffraction parameter: what lies lower costs nothing
_MOST_DB = 60.0


def profile_features(world: World, data: Measurements) -> Floats:
    """PROFILE_FEATURES of each row, [row, feature].

    Losses over edges in dB (Deygout with three edges, over roofs and over roofs
    and trees), lengths in units of 10 m, shares of the ground, and the angle of
    the horizon above the transmitter in units of 10 degrees.

    Args:
        world: A scene under the open sky.
        data: Rows with their transmitters.
    Source: ITU-R P.526, section 4.5.2 (main edge, then one on either side); checked by
    tests/calibration/physics/test_link_profiles.py.
    """
    heights = height_map(world, _STEP_M)
    shares = [
        _mean_around(values > 0.5, radius / heights.step_m)
        for values in (heights.solid_m, heights.woods_m)
        for radius in (50.0, 150.0)
    ]
    found = np.zeros((len(data), len(PROFILE_FEATURES)))
    frequency = np.array([link.frequency_hz for link in data.transmitters])[data.tx]
    for shift in _AROUND:
        end = data.position_m + np.append(shift, 0.0)
        row, column = heights.pixels(end[:, :2])
        around = np.column_stack([share[row, column] for share in shares])
        way = _along(heights, data.tx_position_m, end, frequency)
        found += np.column_stack([way[:, :6], around, way[:, 6:]])
    return found / len(_AROUND)


def _mean_around(inside: np.ndarray, radius: float) -> Floats:
    """Share of the pixels within a radius [pixels] that are inside, [y, x]."""
    reach = int(np.ceil(radius))
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    disc = (x**2 + y**2 <= radius**2).astype(np.float64)
    inside = np.pad(inside.astype(np.float64), reach, mode="edge")
    return np.asarray(oaconvolve(inside, disc / disc.sum(), mode="valid"), np.float64)


def _along(heights: HeightMap, start_m: Floats, end_m: Floats, frequency_hz: Floats) -> Floats:
    """Two losses [dB], four lengths [10 m] and the horizon [10 degrees] of links, [link, 7]."""
    longest = float(np.linalg.norm((end_m - start_m)[:, :2], axis=1).max(initial=1.0))
    count = max(int(np.ceil(longest / _STEP_M)), 3)
    block = max(_SAMPLES_PER_BLOCK // count, 1)
    parts = [
        _along_block(heights, start_m[rows], end_m[rows], frequency_hz[rows], count)
        for rows in (slice(n, n + block) for n in range(0, len(start_m), block))
    ]
    return np.concatenate(parts) if parts else np.zeros((0, 7))


def _along_block(
    heights: HeightMap, start_m: Floats, end_m: Floats, frequency_hz: Floats, count: int
) -> Floats:
    share = (np.arange(count) + 0.5) / count
    place = start_m[:, None] + share[:, None] * (end_m - start_m)[:, None]
    row, column = heights.pixels(place[..., :2])
    ground, solid, woods = (
        values[row, column] for values in (heights.ground_m, heights.solid_m, heights.woods_m)
    )
    length = np.linalg.norm(end_m - start_m, axis=1)
    to_rx = (1 - share) * length[:, None]
    roof, tree = ground + solid, ground + np.maximum(solid, woods)
    line = place[..., 2]
    losses = [_edges_loss_db(top - line, share, length, frequency_hz) for top in (roof, tree)]
    step = length[:, None] / count / 10.0
    lengths = [
        ((top > line) & (kind > 0.5) & (to_rx <= reach)).astype(np.float64) * step
        for top, kind in ((roof, solid), (tree, woods))
        for reach in (60.0, 150.0)
    ]
    rise = np.degrees(np.arctan2(roof - end_m[:, None, 2], to_rx)).max(axis=1)
    aim = np.degrees(np.arctan2(start_m[:, 2] - end_m[:, 2], length))
    return np.column_stack(
        [*losses, *(part.sum(axis=1) for part in lengths), np.clip(rise - aim, -30, 60) / 10.0]
    )


def _edges_loss_db(over_m: Floats, share: Floats, length_m: Floats, frequency_hz: Floats) -> Floats:
    """Deygout's loss over the main edge and one on either side of it [dB], [link]."""
    rows = np.arange(len(over_m))
    x = share * length_m[:, None]
    nu = knife_edge_nu(over_m, x, length_m[:, None] - x, frequency_hz[:, None])
    main = nu.argmax(axis=1)
    top, at, height = nu[rows, main], x[rows, main], over_m[rows, main]
    loss = _edge_db(top)
    for before in (True, False):
        side = x < at[:, None] if before else x > at[:, None]
        gap = np.maximum(at if before else length_m - at, 1e-3)
        from_end = x if before else length_m[:, None] - x
        # The straight line from that end to the top of the main edge.
        over = over_m - height[:, None] * from_end / gap[:, None]
        inner = np.clip(from_end, 1e-3, np.maximum(gap - 1e-3, 1e-3)[:, None])
        other = knife_edge_nu(over, inner, gap[:, None] - inner + 1e-3, frequency_hz[:, None])
        loss = loss + np.where(top > _NO_EDGE, _edge_db(np.where(side, other, -9.0).max(axis=1)), 0)
    return np.minimum(loss, _MOST_DB)


def _edge_db(nu: Floats) -> Floats:
    return np.where(nu > _NO_EDGE, np.maximum(knife_edge_loss_db(nu), 0.0), 0.0)
