"""How good a twin is: attributes measured from its folder, and the utility of all of them.

accuracy     how much nearer the map is than free space: stated, or measured at check points
freshness    exp(-age / horizon), averaged over cells
coverage     share of the outdoor cells that some transmitter reaches
calibration  how near the share of check points within their 90 % intervals comes to 90 %
cost         what an update of it costs, of a full trace
trust        share of cells whose value was traced, not inferred, or data that passed the check

What cannot be known is left out, and said: a twin that nobody measured has no calibration.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.channel import free_space_path_loss_db
from rtwin.dataset import RadioMap
from rtwin.deployment.utility import Utility
from rtwin.errors import OutOfRangeError, nearest
from rtwin.horizontal import Snapshot, open_twin
from rtwin.horizontal.unknown_change import (
    MapTwin,
    load_twin_measurements,
    map_twin,
    residuals,
)
from rtwin.units import to_db

ATTRIBUTES = ("accuracy", "freshness", "coverage", "calibration", "cost", "trust")
WEIGHTS = dict(zip(ATTRIBUTES, (0.35, 0.2, 0.15, 0.1, 0.1, 0.1), strict=True))
HORIZON_S = 7 * 86400.0
Area = tuple[float, float, float, float]
Z90 = 1.6448536269514722  # half of a 90 % interval of a normal law
_INFERRED = "verdicts"  # what snapshots that measurements made, and tracing did not, have to say
_CURE = {
    "accuracy": "measure and correct it: `rtwin update {twin} --measurements FILE`",
    "freshness": "bring it up to date: `rtwin update {twin} --edit FILE` or `--measurements FILE`",
    "coverage": "let more paths through (diffraction, more rays) or add transmitters, and build it"
    " anew: `rtwin twin`",
    "calibration": "its intervals do not hold: calibrate it, `rtwin calibrate`",
    "cost": "rehearse what may happen, so that updates need no tracing: `rtwin rehearse {twin}`",
    "trust": "trace what is only inferred: `rtwin update {twin} --how full`",
}


@dataclass(frozen=True, eq=False)
class Quality:
    """How good a twin is.

    Attributes:
        twin: Its folder.
        values: Attributes that are known, 0 to 1, by name.
        facts: What each rests on, in words, by name; of those that are not known, why.
        utility: Of all known attributes, 0 to 1.
        gains: What the utility would gain if this attribute were at its best, by name.
    """

    twin: Path
    values: dict[str, float]
    facts: dict[str, str]
    utility: float
    gains: dict[str, float]

    @property
    def advice(self) -> str:
        """What would raise the quality most, in a sentence."""
        best = max(self.gains, key=lambda name: self.gains[name])
        if self.gains[best] < 0.005:
            return "nothing that is known would raise it much"
        cure = _CURE[best].format(twin=self.twin)
        return f"{best} would raise it most, by {self.gains[best]:.2f}: {cure}"


def weights_of(given: Mapping[str, float]) -> dict[str, float]:
    """Weights of all attributes: those given, and 0 for the others; WEIGHTS if none is given.

    Raises:
        OutOfRangeError: if there is no such attribute, or a weight is not from 0 to 1.
    """
    for name, weight in given.items():
        if name not in ATTRIBUTES:
            raise OutOfRangeError(f"no attribute '{name}'; {nearest(name, ATTRIBUTES)}")
        if not 0 <= weight <= 1:
            raise OutOfRangeError(f"the weight of {name} is {weight:g}, it must be from 0 to 1")
    if given and not any(given.values()):
        raise OutOfRangeError("one weight must be above 0")
    return {name: float(given.get(name, 0.0)) for name in ATTRIBUTES} if given else dict(WEIGHTS)


def twin_quality(
    twin: str | Path,
    *,
    utility: Utility | None = None,
    measurements: str | Path | None = None,
    horizon_s: float = HORIZON_S,
    now: datetime | None = None,
    number: int | None = None,
    area_m: Area | None = None,
) -> Quality:
    """Measure a twin's attributes and what they are worth together.

    Args:
        twin: Its folder.
        utility: Form and weights; default: additive, WEIGHTS.
        measurements: Check points that the twin was not corrected by; see
            rtwin.horizontal.unknown_change.load_twin_measurements.
        horizon_s: Age at which freshness has fallen to 1/e [s].
        now: Default: the clock's.
        number: Of the snapshot; default: the newest.
        area_m: West, south, east and north end [m] of what counts; default: the whole map.
    Raises:
        StoreError: if there is no twin, or it is broken.
        CampaignError: if the measurements cannot be used.
        OutOfRangeError: if the horizon is impossible, or no cell lies in the area.
    Checked by tests/deployment/test_quality.py.
    """
    if not 0 < horizon_s < np.inf:
        raise OutOfRangeError(f"horizon_s is {horizon_s:g}, it must be above 0")
    utility = utility or Utility(dict(WEIGHTS))
    newest = open_twin(twin, -1 if number is None else number)
    past = [open_twin(twin, earlier) for earlier in range(newest.number)] + [newest]
    counts = cells_within(newest.radio_map, area_m)
    values: dict[str, float] = {}
    facts: dict[str, str] = {}
    gain = newest.radio_map.path_gain
    reached = (gain > 0) & ~newest.is_inside & counts
    worst = free_space_error_db(newest.radio_map, reached)
    if measurements is None:
        error = rms(newest.uncertainty_db[reached].astype(np.float64))
        facts["accuracy"] = f"states {error:.1f} dB; free space is off by {worst:.1f} dB"
        values["accuracy"] = accuracy_of(error, worst)
        facts["calibration"] = "not known without check points; give --measurements"
    else:
        note_checks(map_twin(newest), measurements, worst, values, facts)
    age = _age_s(past, now or datetime.now(UTC))[:, counts]
    values["freshness"] = float(np.exp(-age / horizon_s).mean())
    facts["freshness"] = f"{_span(float(np.median(age)))} since the middle cell was looked at"
    outdoors = ~newest.is_inside & counts
    values["coverage"] = float(reached.any(axis=0).sum() / max(outdoors.sum(), 1))
    facts["coverage"] = f"{100 * values['coverage']:.0f} % of the outdoor cells are reached"
    costs = [each.seconds for each in past[1:]]
    if costs:
        values["cost"] = float(np.clip(1 - np.mean(costs) / newest.full_s, 0, 1))
        facts["cost"] = (
            f"{np.mean(costs):.1f} s an update, {newest.full_s:.1f} s in full ({len(costs)} so far)"
        )
    else:
        facts["cost"] = "not known before the first update"
    if "trust" not in values:
        values["trust"] = float(1 - _inferred(past)[:, counts].mean())
        facts["trust"] = f"{100 * values['trust']:.0f} % of the cells are traced, not inferred"
    return judged(twin, values, facts, utility)


def judged(
    twin: str | Path,
    values: dict[str, float],
    facts: dict[str, str],
    utility: Utility,
    among: Sequence[str] = ATTRIBUTES,
) -> Quality:
    """What attributes are worth together.

    Args:
        twin: Where they were measured.
        values: Of the attributes, 0 to 1; see Quality.
        facts: What they rest on; see Quality.
        utility: Form and weights.
        among: Attributes that may count; of these, those that are known and have a weight do.
    """
    known = tuple(
        name
        for name in ATTRIBUTES
        if name in among and name in values and utility.weights.get(name, 0)
    )
    vector = np.array([values[name] for name in known])
    total = float(utility(vector, known)) if known else 0.0
    best = {
        name: float(utility(np.where(np.arange(len(known)) == i, 1.0, vector), known)) - total
        for i, name in enumerate(known)
    }
    return Quality(Path(twin), values, facts, total, best)


def cells_within(found: RadioMap, area_m: Area | None) -> Bools:
    """Cells of a map whose middle lies in an area, [cell_y, cell_x].

    Raises:
        OutOfRangeError: if there is none.
    """
    x, y = found.cell_centers_m[..., 0], found.cell_centers_m[..., 1]
    west, south, east, north = area_m or (-np.inf, -np.inf, np.inf, np.inf)
    inside: Bools = (west <= x) & (x <= east) & (south <= y) & (y <= north)
    if not inside.any():
        extent = f"{x.min():g} to {x.max():g} m east, {y.min():g} to {y.max():g} m north"
        raise OutOfRangeError(f"no cell of the map lies in the area; it has cells from {extent}")
    return inside


def rms(values: Floats) -> float:
    """Root of the mean square; 0 of nothing."""
    return float(np.sqrt(np.mean(np.square(values)))) if np.size(values) else 0.0


def accuracy_of(error_db: float, worst_db: float) -> float:
    """1 without an error, 0 from the error of free space on."""
    return float(np.clip(1 - error_db / worst_db, 0, 1)) if worst_db > 0 else 0.0


def calibration_of(share: float) -> float:
    """How near a share of check points in their 90 % intervals comes to 90 %."""
    return 1 - abs(share - 0.9) / 0.9


def free_space_error_db(found: RadioMap, reached: Bools) -> float:
    """How far free space is from a map over the cells that are reached [dB].

    Args:
        found: The map.
        reached: Cells that count, [tx, cell_y, cell_x].
    """
    distance = np.linalg.norm(
        found.cell_centers_m[None] - found.tx_position_m[:, None, None], axis=-1
    )
    frequency_hz = float(found.attributes["frequency_hz"])
    free = -free_space_path_loss_db(np.maximum(distance, 0.1), frequency_hz)
    return rms((free - to_db(found.path_gain))[reached])


def note_checks(
    twin: MapTwin,
    file: str | Path,
    worst_db: float,
    values: dict[str, float],
    facts: dict[str, str],
) -> None:
    """Note what check points say of a map: accuracy, calibration, trust."""
    data, quantity = load_twin_measurements(file, twin.recipe)
    found = residuals(twin, data, quantity)
    off = found.value_db
    if quantity == "rss_dbm":
        off = found.without_offsets(off)  # each device has a level of its own
    error, points = rms(off), len(found)
    share = float((np.abs(off) <= Z90 * found.sd_db).mean())
    passed = points / (points + sum(found.set_aside.values()))
    values["accuracy"] = accuracy_of(error, worst_db)
    facts["accuracy"] = (
        f"{error:.1f} dB at {points} check points; free space is off by {worst_db:.1f} dB"
    )
    values["calibration"] = calibration_of(share)
    facts["calibration"] = f"{100 * share:.0f} % of the check points in their 90 % intervals"
    values["trust"] = passed
    facts["trust"] = f"{100 * passed:.0f} % of the data passed the check"


def _age_s(past: list[Snapshot], now: datetime) -> Floats:
    """Seconds since each cell was traced, updated or compared with measurements."""
    first = past[0]
    names = past[-1].radio_map.tx_name
    seen = np.zeros((len(names), *past[-1].is_inside.shape))
    for snapshot in past:
        made = datetime.fromisoformat(snapshot.created)
        made = made if made.tzinfo else made.replace(tzinfo=UTC)
        for row, name in enumerate(names):
            if name in snapshot.radio_map.tx_name:
                own = snapshot.radio_map.tx_name.index(name)
                # Measurements look at all cells, edits at those that they change.
                looked = (
                    (snapshot.decision[own] != 0)
                    | (snapshot is first)
                    | (_INFERRED in snapshot.more)
                )
                age = max((now - made).total_seconds(), 0.0)
                seen[row] = np.where(looked | (seen[row] == 0), age, seen[row])
    return seen


def _inferred(past: list[Snapshot]) -> Bools:
    """Whether each cell's value was last changed by inference, [tx, cell_y, cell_x]."""
    names = past[-1].radio_map.tx_name
    found = np.zeros((len(names), *past[-1].is_inside.shape), bool)
    for snapshot in past:
        guess = _INFERRED in snapshot.more
        for row, name in enumerate(names):
            if name in snapshot.radio_map.tx_name:
                own = snapshot.radio_map.tx_name.index(name)
                found[row] = np.where(snapshot.decision[own] != 0, guess, found[row])
    return found


def _span(seconds: float) -> str:
    for size, unit in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
