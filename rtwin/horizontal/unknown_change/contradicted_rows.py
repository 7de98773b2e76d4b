"""Are new measurements to be believed: rows that the twin and all other rows contradict."""

from dataclasses import replace

import numpy as np

from rtwin.arrays import Floats
from rtwin.calibration.campaign import GAIN, Measurements, link_inputs
from rtwin.calibration.statistics import RowTrust, check_rows
from rtwin.horizontal.levels import FLOOR_DB
from rtwin.horizontal.unknown_change.cell_paths import MapTwin
from rtwin.horizontal.unknown_change.residuals import rows_of_twin


def check_news(twin: MapTwin, data: Measurements, seed: int = 1) -> RowTrust:
    """Compare measurements with the twin's map and with each other.

    What the twin is off by is a field over places, so that neighbours who see a change vouch for
    each other. Only rows where the twin has a path are asked.

    Args:
        twin: Whose map.
        data: As load_twin_measurements gives it.
        seed: Of the rows that the field's shape is fitted to.
    Returns:
        The verdict on the rows that were asked; all are believed where there are fewer than 30.
    Raises:
        CampaignError: if a transmitter is unknown to the twin.
    Checked by tests/horizontal/unknown_change/test_news.py.
    """
    tx, cell = rows_of_twin(twin, data)
    gain = np.where(cell >= 0, twin.gain_db[tx, cell], FLOOR_DB)
    asked = np.flatnonzero(gain > FLOOR_DB)
    inputs = link_inputs(data, gain[:, None], (GAIN,))
    return check_rows(data, inputs, asked, seed, may_have_changed=True)


def explained(
    twin: MapTwin, data: Measurements, verdict: RowTrust, explained_db: Floats
) -> RowTrust:
    """The verdict without rows of which an explanation takes away more than half.

    Few rows see a small change, and their neighbours contradict them: an object that is gone
    speaks for them.

    Args:
        twin, data: As of check_news.
        verdict: Of it.
        explained_db: Change of each cell that explanations make [dB], [tx, cell].
    """
    tx, cell = (values[verdict.rows] for values in rows_of_twin(twin, data))
    left = np.abs(verdict.off_db - explained_db[tx, cell]) >= 0.5 * np.abs(verdict.off_db)
    return replace(verdict, untrusted=verdict.untrusted & left)
