"""Link traces whose link layer is that of the traced paths."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.channel import PathSet
from rtwin.dataset.reading import LinkTrace, array_of
from rtwin.dataset.tracks.link_budget import states_of
from rtwin.dataset.tracks.twin import SampleSettings
from rtwin.errors import OutOfRangeError
from rtwin.link.layer import Sounding, faded_link
from rtwin.progress import Progress, silent
from rtwin.scene import Recipe
from rtwin.units import from_db

MAX_LINKS = 3_000_000
"""Places times transmitters whose paths are held at once: some kilobytes each."""


def check_amount(num_links: int) -> None:
    """Refuse what would not fit into memory.

    Raises:
        OutOfRangeError: if there are too many places times transmitters.
    """
    if num_links > MAX_LINKS:
        raise OutOfRangeError(
            f"link paths would hold the paths of {num_links} places times transmitters, at most "
            f"{MAX_LINKS} are allowed; sample fewer users, a shorter time or longer intervals"
        )


def with_faded_link(
    trace: LinkTrace,
    paths: Sequence[PathSet],
    place: Ints,
    recipe: Recipe,
    settings: SampleSettings,
    progress: Progress = silent,
) -> LinkTrace:
    """A link trace with CQI, MCS and rates of the fading channels that its paths make.

    Args:
        trace: With the simple link.
        paths: Of all places, in batches; links of a place follow one another, one per transmitter.
        place: Number of the place, [time, ue]; -1 where a user has no position.
        recipe: The scene's antennas.
        settings: The radio link.
    Checked by tests/dataset/tracks/test_faded_traces.py.
    """
    if not paths:
        paths = [_no_path(recipe)]
    link = place[..., None] * trace.num_tx + np.arange(trace.num_tx)
    sounding = Sounding(
        PathSet.joined(paths),
        np.where(place[..., None] >= 0, link, -1),
        _velocity_m_s(trace.ue_position_m, trace.step_s),
        trace.step_s,
        [
            array_of(tx.antenna, recipe.frequency_hz, np.asarray(tx.orientation_rad))
            for tx in recipe.transmitter
        ],
        array_of(recipe.receivers.antenna, recipe.frequency_hz, np.zeros(3)),
    )
    load = trace.tx_load
    if load is None:
        load = np.full((trace.num_steps, trace.num_tx), settings.interference_load)
    adaptation = settings.adaptation(recipe.bandwidth_hz)
    found = faded_link(
        sounding,
        from_db(trace.tx_power_dbm - 30.0),
        np.asarray(load, np.float64),
        float(trace.attributes["noise_power_w"]),
        adaptation,
        settings.faded,
        progress,
    )
    known = place[..., None] >= 0
    cqi = np.where(known, found.cqi, -1).astype(np.int8)
    return replace(
        trace,
        cqi=cqi,
        mcs=found.mcs,
        spectral_efficiency=found.spectral_efficiency,
        rate_mbps=adaptation.rate_mbps(found.spectral_efficiency),
        state=states_of(trace.ue_position_m, trace.path_gain, trace.serving_tx, cqi),
        effective_sinr_db=np.where(known, found.effective_sinr_db, np.nan),
        num_layers=found.num_layers,
        block_error_rate=found.block_error_rate,
        lost_blocks=found.lost_blocks,
        attributes={**trace.attributes, "link": "paths", "link_settings": asdict(settings.faded)},
    )


def _velocity_m_s(position_m: Floats, step_s: float) -> Floats:
    """Velocity until the next row [m/s], [time, ue, 3]; 0 where there is no next place."""
    velocity = np.zeros_like(position_m)
    velocity[:-1] = np.diff(position_m, axis=0) / step_s
    if len(velocity) > 1:
        velocity[-1] = velocity[-2]
    return np.nan_to_num(velocity, nan=0.0)


def _no_path(recipe: Recipe) -> PathSet:
    nothing = np.zeros(0)
    return PathSet(
        num_paths=np.zeros(0, np.int64),
        a=np.zeros((0, 1, 1), complex),
        delay_s=nothing,
        aod_azimuth=nothing,
        aod_zenith=nothing,
        aoa_azimuth=nothing,
        aoa_zenith=nothing,
        doppler_hz=nothing,
        interactions=np.zeros((0, 1), np.uint8),
        frequency_hz=recipe.frequency_hz,
    )
