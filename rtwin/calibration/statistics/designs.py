"""Which terms a Gaussian process of links is made of: fields, slopes, and the scene's features."""

from dataclasses import dataclass, field

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.calibration.campaign import GAIN, Inputs
from rtwin.calibration.statistics.baselines import PATTERN, SLOPE
from rtwin.calibration.statistics.gaussian_process import Design
from rtwin.calibration.statistics.kernel import LinkKernel, Term

_LENGTH = 0.25  # prior correlation length over the median distance
_FEW_FEATURES = 7  # for which the prior length of a surface over features is _FEATURE_LENGTH
_FEATURE_LENGTH = 2.0
KRIGING, SHARED = "kriging", "shared kriging"
SCENE, PHYSICS, MIX = "scene + kriging", "physics + kriging", "linear mix + kriging"


@dataclass
class _Columns:
    """Columns of an input matrix as they are added."""

    rows: int
    parts: list[Floats] = field(default_factory=list)

    def add(self, values: Floats) -> tuple[int, ...]:
        values = np.asarray(values, np.float64).reshape(self.rows, -1)
        start = sum(part.shape[1] for part in self.parts)
        self.parts.append(values)
        return tuple(range(start, start + values.shape[1]))


def processes(inputs: Inputs) -> list[str]:
    """Names of the processes that some inputs allow."""
    with_scene = [SCENE, PHYSICS, MIX] if GAIN in inputs.names else []
    return [KRIGING, SHARED, *with_scene]


def design(inputs: Inputs, name: str, num_devices: int, train: Ints) -> Design:
    """Inputs and covariance of one of the processes.

    Args:
        inputs: All links.
        name: "kriging" (each transmitter and device alone, over log-distance and
            antenna); "shared kriging" (one field over all of them as well); "scene +
            kriging" (that, with the scene's features); "physics + kriging" (fields
            over the calibrated gain, of unit slope); "linear mix + kriging" (fields
            over a regression on gain, distance and the scene's features).
        num_devices: Number of devices.
        train: Rows that scales may be taken from. Beyond their range slopes and
            features stay as at its end.
    """
    columns = _Columns(len(inputs))
    place = columns.add(inputs.position_m)
    one = columns.add(np.ones(len(inputs)))
    tx, device, sector = (
        columns.add(v.astype(np.float64)) for v in (inputs.tx, inputs.device, inputs.sector)
    )
    count = columns.add(inputs.count)
    length = _LENGTH * float(np.median(10 ** (inputs.log_distance_db[train] / 10)))
    many_tx, many_devices = len(np.unique(inputs.tx)) > 1, num_devices > 1
    both = (*tx, *device) if many_devices else tx
    terms = [Term(one, tx, 30.0)]
    if many_devices:
        terms.append(Term(one, both, 5.0))
    base = SLOPE * inputs.log_distance_db + PATTERN * inputs.pattern_db
    if name in (PHYSICS, MIX):
        base = inputs.column(GAIN)
    else:
        terms += _slopes(columns, inputs, train, name, many_tx, tx)
    if name == KRIGING:
        terms.append(Term(place, both, 7.0, length))
    else:
        terms += _fields(columns, inputs, place, tx, sector, length)
        if many_devices:
            terms.append(Term(place, both, 2.0, length / 3))
    if name == SCENE:
        features = columns.add(_scaled(inputs.physics, train))
        wide = _FEATURE_LENGTH * np.sqrt(max(len(features) / _FEW_FEATURES, 1.0))
        terms += [Term(features, (), 2.0), Term(features, (), 3.0, float(wide))]
        if many_tx:
            terms.append(Term(features, sector, 1.0))
    if name == MIX:
        trend = np.column_stack([inputs.log_distance_db, inputs.pattern_db, inputs.physics])
        terms.append(Term(columns.add(_scaled(trend, train)), (), 2.0))
    matrix = np.concatenate(columns.parts, axis=1)
    return Design(matrix, LinkKernel(tuple(terms), device[0], count[0], num_devices), base)


def _scaled(values: Floats, train: Ints) -> Floats:
    """Columns over their spread in the training rows, no further than their range there."""
    low, high = values[train].min(axis=0), values[train].max(axis=0)
    center, spread = values[train].mean(axis=0), np.maximum(values[train].std(axis=0), 1e-6)
    return (np.clip(values, low, high) - center) / spread


def _slopes(
    columns: _Columns, inputs: Inputs, train: Ints, name: str, many_tx: bool, tx: tuple[int, ...]
) -> list[Term]:
    """Slopes over distance and pattern around those of the base, clipped to the trained range."""
    far = inputs.log_distance_db
    low, high = far[train].min(), far[train].max()
    distance = columns.add((np.clip(far, low, high) - np.median(far[train])) / 10)
    pattern: tuple[int, ...] = ()
    if np.any(inputs.pattern_db):
        kept = np.maximum(inputs.pattern_db, inputs.pattern_db[train].min())
        pattern = columns.add(np.column_stack([kept / 10, np.maximum(kept, -12) / 10]))
    apart = name == KRIGING
    # A path loss exponent of 3 +- 1 and a pattern of slope 1 +- 0.5.
    terms = [Term(distance, tx if apart else (), 10.0)]
    if pattern:
        terms.append(Term(pattern, tx if apart else (), 5.0))
    if not apart:
        tilt = inputs.elevation_deg / 20
        elevation = columns.add(np.column_stack([tilt, np.minimum(tilt**2, 4.0)]))
        terms.append(Term(elevation, tx, 3.0))
        if many_tx:
            terms.append(Term(distance, tx, 3.0))
            if pattern:
                terms.append(Term(pattern, tx, 3.0))
    return terms


def _fields(
    columns: _Columns,
    inputs: Inputs,
    place: tuple[int, ...],
    tx: tuple[int, ...],
    sector: tuple[int, ...],
    length: float,
) -> list[Term]:
    """Fields over the area: of all, of each sector, of each transmitter."""
    # Streets and gaps between buildings cast rays of shadow: neighbours in bearing are alike.
    fan = columns.add(
        np.column_stack([2 * inputs.bearing, inputs.log_distance_db / 10 * np.log(10)])
    )
    terms = [Term(place, (), 5.0, length), Term(fan, sector, 4.0, 0.5)]
    num_tx = len(np.unique(inputs.tx))
    if num_tx > 1:
        terms.append(Term(place, tx, 3.0, length))
    if len(np.unique(inputs.sector)) < num_tx:
        terms.append(Term(place, sector, 5.0, length))
    return terms
