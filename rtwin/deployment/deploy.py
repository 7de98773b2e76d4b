"""Deciding for real twins: which of them to bring up to date now, how, and doing it.

For each twin the news of its world (edits or measurements) can be left, taken over (horizontal:
rehearsed, inferred, or its changed paths traced) or traced in full (vertical). What each is worth
is the quality that the twin is expected to have afterwards; an exact knapsack spends the seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.deployment.drift.exact import knapsack
from rtwin.deployment.quality import HORIZON_S, WEIGHTS, Quality, twin_quality
from rtwin.deployment.utility import Utility
from rtwin.errors import OutOfRangeError
from rtwin.horizontal import load_edits, open_twin, update_measured, update_twin
from rtwin.horizontal.update import How, rehearsed_edit
from rtwin.progress import Progress, silent

_STEPS = 2000  # of the budget, in the knapsack
# What updates cost before there was one: a rehearsed edit, an inference, and of a full trace.
_LIBRARY_S, _INFERENCE_S, _PARTIAL_SHARE = 0.2, 2.0, 0.5


@dataclass(frozen=True)
class Choice:
    """One thing that can be done about a twin.

    Attributes:
        mapping: none, horizontal or vertical.
        how: Way of the update; None to leave it to `rtwin update`.
        seconds: What it is expected to cost.
        utility: Quality expected afterwards.
    """

    mapping: str
    how: How | None
    seconds: float
    utility: float


@dataclass(frozen=True)
class Order:
    """What is done about one twin.

    Attributes:
        twin: Its folder.
        news: File of edits or measurements; None where there is none.
        choice: What was chosen.
        others: What could have been done instead.
        why: In a line.
    """

    twin: Path
    news: Path | None
    choice: Choice
    others: tuple[Choice, ...]
    why: str


def plan_deployment(
    twins: Sequence[str | Path],
    news: Mapping[str, str | Path],
    budget_s: float,
    *,
    utility: Utility | None = None,
    importance: Mapping[str, float] | None = None,
    horizon_s: float = HORIZON_S,
    now: datetime | None = None,
) -> list[Order]:
    """Choose a mapping for each twin such that quality rises most within a budget.

    Args:
        twins: Their folders.
        news: By folder as given: a file of edits (.toml) or of measurements.
        budget_s: Seconds for all of them together.
        utility: What quality means; see twin_quality.
        importance: What quality of a twin is worth, by folder; default 1.
        horizon_s, now: See twin_quality.
    Raises:
        OutOfRangeError: if the budget is impossible, or news or importance are of no twin.
        StoreError, CampaignError, EditError: if a file cannot be used.
    Checked by tests/deployment/test_deploy.py.
    """
    if not 0 <= budget_s < np.inf:
        raise OutOfRangeError(f"the budget is {budget_s:g} s, it must be 0 or more")
    names = [str(twin) for twin in twins]
    for given in (news, importance or {}):
        for name in given:
            if name not in names:
                raise OutOfRangeError(f"'{name}' is none of the twins: {', '.join(names)}")
    meant = utility or Utility(dict(WEIGHTS))
    choices = [_choices(Path(name), news.get(name), meant, horizon_s, now) for name in names]
    most = max(len(each) for each in choices) if choices else 0
    gains = np.full((len(names), most), -np.inf)
    units = np.zeros((len(names), most), np.int64)
    step = max(budget_s / _STEPS, 1e-9)
    for row, (name, options) in enumerate(zip(names, choices, strict=True)):
        worth = (importance or {}).get(name, 1.0)
        for column, option in enumerate(options):
            gains[row, column] = worth * (option.utility - options[0].utility)
            units[row, column] = min(int(np.ceil(option.seconds / step)), _STEPS + 1)
    chosen = knapsack(gains, units, _STEPS) if names else np.zeros(0, np.int64)
    return [
        Order(
            Path(name),
            None if name not in news else Path(news[name]),
            options[pick],
            tuple(o for n, o in enumerate(options) if n != pick),
            _why(options, int(pick), budget_s),
        )
        for name, options, pick in zip(names, choices, chosen, strict=True)
    ]


def carry_out(order: Order, scene: str | Path | None = None, progress: Progress = silent) -> Any:
    """Do what was chosen; the twin's snapshot keeps the reason.

    Returns:
        The new snapshot (of measurements a MeasuredUpdate); None where nothing is to be done.
    Raises:
        As update_twin and update_measured.
    """
    if order.choice.mapping == "none" or order.news is None:
        return None
    options: dict[str, Any] = {"how": order.choice.how, "scene": scene, "because": order.why}
    if _is_edits(order.news):
        return update_twin(order.twin, order.news, progress=progress, **options)
    return update_measured(order.twin, order.news, progress=progress, **options)


def _is_edits(file: str | Path) -> bool:
    """Edits are .toml files that are no campaign."""
    file = Path(file)
    return file.suffix == ".toml" and "[measurements]" not in file.read_text(errors="replace")


def _choices(
    twin: Path,
    news: str | Path | None,
    utility: Utility,
    horizon_s: float,
    now: datetime | None,
) -> list[Choice]:
    options: dict[str, Any] = {"utility": utility, "horizon_s": horizon_s, "now": now}
    quality = twin_quality(twin, **options)
    if news is None:
        return [Choice("none", None, 0.0, quality.utility)]
    snapshot = open_twin(twin)
    past = [open_twin(twin, n).seconds for n in range(1, snapshot.number + 1)]
    if not _is_edits(news):
        # The news themselves say how good the twin is now; corrected, it is what it states.
        left = twin_quality(twin, measurements=news, **options)
        after = _expected(quality, utility, freshness=1.0)
        seconds = float(np.median(past)) if past else _INFERENCE_S
        return [
            Choice("none", None, 0.0, min(left.utility, after)),
            Choice("horizontal", None, seconds, after),
        ]
    # A twin whose world is known to be another is not fresh, however young it is.
    left_utility = _expected(quality, utility, freshness=0.0)
    known = rehearsed_edit(snapshot, load_edits(news))
    after = _expected(quality, utility, freshness=1.0)
    full = _expected(quality, utility, freshness=1.0, trust=1.0)
    partial = float(np.median(past)) if past else _PARTIAL_SHARE * snapshot.full_s
    found = [
        Choice("none", None, 0.0, left_utility),
        Choice("horizontal", "partial", min(partial, snapshot.full_s), after),
        Choice("vertical", "full", snapshot.full_s, full),
    ]
    if known is not None:
        found.insert(1, Choice("horizontal", "library", _LIBRARY_S, after))
    return found


def _expected(quality: Quality, form: Utility, **changed: float) -> float:
    """Utility of a twin with some attributes changed."""
    values = {**quality.values, **changed}
    known = tuple(n for n in form.weights if n in values and form.weights[n])
    vector: Floats = np.array([values[n] for n in known])
    return float(form(vector, known)) if known else 0.0


def _why(options: Sequence[Choice], pick: int, budget_s: float) -> str:
    chosen, left = options[pick], options[0]
    if len(options) == 1:
        return "no news of its world"
    if pick == 0:
        cheapest = min(o.seconds for o in options[1:])
        return f"left: {cheapest:.1f} s buy more elsewhere, of {budget_s:g} s in all"
    gain = chosen.utility - left.utility
    return (
        f"{chosen.mapping}: quality {left.utility:.2f} to {chosen.utility:.2f} "
        f"(+{gain:.2f}) for {chosen.seconds:.1f} s of {budget_s:g} s"
    )
