"""Measurements that everything else contradicts: set aside before anything is learned."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.calibration.campaign import GAIN, Inputs, Measurements
from rtwin.calibration.statistics.contradiction import LIMIT, Contradiction, contradictions
from rtwin.calibration.statistics.designs import PHYSICS, SCENE, SHARED, design
from rtwin.calibration.statistics.gaussian_process import (
    MAX_POINTS,
    STUDENT_FREEDOM,
    Process,
    fit_process,
    one_thread,
)
from rtwin.calibration.statistics.likelihood import JITTER

LEAST_ROWS = 30  # below which nothing is asked
NOT_BELIEVED = "that everything else contradicts"
_FITS = 2


@dataclass(frozen=True, eq=False)
class RowTrust:
    """What was believed of some rows.

    Attributes:
        rows: The rows that were asked about.
        untrusted: Which of them everything else contradicts, [row].
        score: Signed distance from what the trusted others say, in robust standard
            deviations, [row]; 0 for rows below the noise floor.
        off_db: That distance [dB], [row].
        undecided: Whether so much contradicts so much that nothing is set aside.
    """

    rows: Ints
    untrusted: Bools
    score: Floats
    off_db: Floats
    undecided: bool = False

    @property
    def kept(self) -> Ints:
        """The rows that are believed."""
        return self.rows[~self.untrusted]


@one_thread
def check_rows(
    data: Measurements,
    inputs: Inputs,
    rows: Ints,
    seed: int = 1,
    limit: float = LIMIT,
    *,
    may_have_changed: bool = False,
) -> RowTrust:
    """Compare rows with what all others say: physics, where there is a scene, and a process.

    The process is fitted under heavy-tailed noise, and, once the gross ones are gone, to
    what is left. Rows below the noise floor speak, but are not asked.

    Args:
        data: All rows; only the levels of `rows` are looked at.
        inputs: Of the same rows, as for fit_twin.
        rows: To be checked.
        seed: Of the rows that a process's shape is fitted to.
        limit: Robust standard deviations that are believed.
        may_have_changed: Whether the world may be another than that of physics. Places that
            are off together then are news, and only devices are asked as sets.
    Returns:
        The verdict; all are trusted where there are fewer than 30 rows.
    Source: checked by tests/calibration/statistics/test_trust.py; what it finds in the canyon
    and Duke campaigns is what benchmarks/radio_trust.py prints.
    """
    everyone = RowTrust(rows, np.zeros(len(rows), bool), np.zeros(len(rows)), np.zeros(len(rows)))
    heard = ~data.censored[rows]
    if heard.sum() < LEAST_ROWS:
        return everyone
    some = np.arange(len(rows))
    if len(rows) > MAX_POINTS:
        some = np.sort(np.random.default_rng(seed).permutation(len(rows))[:MAX_POINTS])
    name, sources = SHARED, []
    freedom: float | None = STUDENT_FREEDOM
    if may_have_changed:
        # Normal noise leaves sharp changes to the field; heavy tails would call them outliers.
        name, freedom = PHYSICS, None
    elif GAIN in inputs.names:
        # Without a scene, neighbours who are off together may stand behind a house.
        name, sources = SCENE, [data.tx[rows[some]]]
    if len(data.devices) > 1:
        sources = [*sources, data.device[rows[some]]]
    believed = np.ones(len(some), bool)
    for _ in range(_FITS):
        learned = rows[some[believed]]
        layout = design(inputs, name, len(data.devices), learned)
        process = fit_process(layout, data.level_db, data.censored, learned, seed, freedom=freedom)
        found = _contradicted(process, data, rows[some], sources, believed, limit)
        if (found.contradicted == ~believed).all():
            break
        believed = ~found.contradicted
    verdict = replace(everyone, undecided=found.undecided)
    verdict.untrusted[some] = found.contradicted
    verdict.score[some], verdict.off_db[some] = found.score, found.off_db
    rest = np.setdiff1d(np.arange(len(rows)), some)
    if len(rest):
        mean, sd, _ = process.predict(rows[rest])
        off = np.where(heard[rest], data.level_db[rows[rest]] - mean, 0.0)
        verdict.off_db[rest], verdict.score[rest] = off, off / sd
        verdict.untrusted[rest] = np.abs(off / sd) > limit
    return verdict


def _contradicted(
    process: Process,
    data: Measurements,
    rows: Ints,
    sources: list[Ints],
    believed: Bools,
    limit: float,
) -> Contradiction:
    value = data.level_db[rows] - process.base_db[rows]
    value[believed] = process.off_db  # rows below the floor as the others make them
    x = process.matrix[rows]
    covariance = process.kernel(x) + JITTER * np.eye(len(x))
    place = data.position_m[rows][:, :2]
    return contradictions(covariance, value, place, sources, ~data.censored[rows], limit=limit)


def believed(data: Measurements, verdict: RowTrust) -> Measurements:
    """The rows that are believed; the others are set aside, and counted."""
    out = verdict.rows[verdict.untrusted]
    if not len(out):
        return data
    aside = data.set_aside | {NOT_BELIEVED: int(data.count[out].sum())}
    return replace(data.take(np.setdiff1d(np.arange(len(data)), out)), set_aside=aside)


def trust_table(data: Measurements, verdict: RowTrust) -> dict[str, Any]:
    """What was not believed, by who sent it and who measured it, as plain data.

    Args:
        data: All rows.
        verdict: On some of them.
    Returns:
        `rows`, `untrusted` and `undecided` of all; `by_transmitter` and `by_device`, the
        worst first, with rows, untrusted, share, the mean of what the untrusted are off [dB],
        and the largest score; and the `places` of what is untrusted.
    """
    tx, device = data.tx[verdict.rows], data.device[verdict.rows]
    out = verdict.rows[verdict.untrusted]
    return {
        "rows": len(verdict.rows),
        "untrusted": int(verdict.untrusted.sum()),
        "undecided": verdict.undecided,
        "by_transmitter": _by(verdict, tx, [link.name for link in data.transmitters]),
        "by_device": _by(verdict, device, list(data.devices)),
        "places": [
            {
                "transmitter": data.transmitters[data.tx[row]].name,
                "device": data.devices[data.device[row]],
                "x_m": float(data.position_m[row, 0]),
                "y_m": float(data.position_m[row, 1]),
                "level_db": float(data.level_db[row]),
                "off_db": float(off),
                "score": float(score),
            }
            for row, off, score in zip(
                out,
                verdict.off_db[verdict.untrusted],
                verdict.score[verdict.untrusted],
                strict=True,
            )
        ],
    }


def _by(verdict: RowTrust, source: Ints, names: list[str]) -> list[dict[str, Any]]:
    found = []
    for number, name in enumerate(names):
        own = source == number
        bad = own & verdict.untrusted
        if own.any():
            found.append(
                {
                    "name": name,
                    "rows": int(own.sum()),
                    "untrusted": int(bad.sum()),
                    "share": float(bad.sum() / own.sum()),
                    "off_db": float(verdict.off_db[bad].mean()) if bad.any() else 0.0,
                    "largest_score": float(np.abs(verdict.score[own]).max()),
                }
            )
    return sorted(found, key=lambda row: (-row["share"], row["name"]))
