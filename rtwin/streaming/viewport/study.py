"""The viewport study: how well heads are foreseen, and what of the sphere need not be sent."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError
from rtwin.experiments.study_files import Cell, StudyResults, StudyTable
from rtwin.experiments.table import figure_of
from rtwin.progress import Progress, silent
from rtwin.streaming.viewport.heads import Heads, angle_deg, facing, read_heads
from rtwin.streaming.viewport.prediction import (
    CROWD,
    NETWORK,
    PREDICTORS,
    RIDGE,
    Fitted,
    Moments,
    moments_of,
    unit,
)
from rtwin.streaming.viewport.tiles import Tiles, smallest_set

CLOSE_DEG = 20.0
_ERRORS = 160  # of the training, around what is predicted
_TILED = 4000  # moments of a fold for which tiles are chosen
SERVICE_MBPS = 90.0  # of vr_8k, decision/profiles.py


@dataclass(frozen=True)
class ViewportStudy:
    """What the viewport study is asked for.

    Attributes:
        heads: File of head directions; None: what rtwin ships.
        folds: Parts of the people; each is held out once.
        horizons_s: How far ahead [s].
        shares: Of the mass that is expected to be seen, that are sent.
        tiles: The grid and the field of view.
        seed: Of the parts and the network.
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    heads: Path | None = None
    folds: int = 4
    horizons_s: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0, 5.0)
    shares: tuple[float, ...] = (0.9, 0.99)
    tiles: Tiles = field(default_factory=Tiles)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise OutOfRangeError(f"folds is {self.folds}; somebody must be held out: 2 or more")
        if not self.horizons_s or not self.shares:
            raise OutOfRangeError("give one horizon and one share or more")
        if not all(0 < s <= 1 for s in self.shares):
            raise OutOfRangeError(f"shares are {self.shares}; they must be above 0 and up to 1")


@dataclass
class Sight:
    """What the viewport study found.

    Attributes:
        study: What was asked for.
        heads: The traces.
        error_deg, close: Mean error, and share of moments within 20 degrees, of each held-out
            person, [predictor, horizon, user].
        sent, missed, broken: Share of the sphere sent, of what was seen and not sent, and of
            moments that missed more than a twentieth, [predictor, horizon, share, user].
    """

    study: ViewportStudy
    heads: Heads
    error_deg: Floats
    close: Floats
    sent: Floats
    missed: Floats
    broken: Floats


def run_viewport(study: ViewportStudy, progress: Progress = silent) -> Sight:
    """Run the study: every person is held out once.

    Raises:
        StoreError: if the file cannot be read.
        OutOfRangeError: if there are fewer people than parts, or traces are too short.
    Checked by tests/streaming/viewport/test_study.py.
    """
    heads = read_heads(study.heads)
    if heads.num_users < study.folds:
        raise OutOfRangeError(f"{heads.num_users} people make no {study.folds} parts")
    rng = np.random.Generator(np.random.PCG64([study.seed, 0x7670]))
    part = rng.permutation(heads.num_users) % study.folds
    shape = (len(PREDICTORS), len(study.horizons_s))
    error, close = np.full((2, *shape, heads.num_users), np.nan)
    tiled = np.full((3, *shape, len(study.shares), heads.num_users), np.nan)
    progress("experiment", 0, study.folds)
    for fold in range(study.folds):
        known = np.flatnonzero(part[heads.user] != fold)
        held = np.flatnonzero(part[heads.user] == fold)
        learn = moments_of(heads, known, known, study.horizons_s)
        test = moments_of(heads, held, known, study.horizons_s)
        fitted = Fitted(learn, study.horizons_s, heads.step_s, study.seed)
        user = heads.user[test.view]
        pick = np.sort(rng.permutation(len(user))[:_TILED])
        drawn = rng.integers(len(learn.view), size=_ERRORS)
        for number, name in enumerate(PREDICTORS):
            guess = fitted.predict(name, test)
            miss = angle_deg(guess, test.future)
            error[number] = _by_user(miss, user, error[number])
            close[number] = _by_user((miss <= CLOSE_DEG).astype(float), user, close[number])
            own = fitted.predict(name, learn)
            for place, figures in enumerate(_tiles_of(study, drawn, guess, test, own, learn, pick)):
                for what, values in enumerate(figures):
                    old = tiled[what, number, place]
                    tiled[what, number, place] = _by_user(values, user[pick], old)
        progress("experiment", fold + 1, study.folds)
    return Sight(study, heads, error, close, *tiled)


def _by_user(values: Floats, user: Any, old: Floats) -> Floats:
    """Means of rows by user, [column, user], in the place of what is there."""
    found = old.copy()
    for number in np.unique(user):
        found[:, number] = values[user == number].mean(axis=0)
    return found


def _tiles_of(
    study: ViewportStudy,
    drawn: Ints,
    guess: Floats,
    test: Moments,
    own: Floats,
    learn: Moments,
    pick: Ints,
) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Sent, missed and broken at each horizon, [moment, share] each."""
    tiles, area = study.tiles, study.tiles.area
    turn = test.turn[pick]
    for place in range(len(study.horizons_s)):
        # How far off the model was on its own people, seen from where it pointed.
        offset = np.einsum("nij,nj->ni", facing(own[drawn, place]), learn.future[drawn, place])
        around = np.einsum("nji,kj->nki", facing(guess[pick, place]), offset)
        mass = np.mean([_seen(tiles, around[:, k], turn) for k in range(len(drawn))], axis=0)
        truth = _seen(tiles, test.future[pick, place], turn)
        looked = truth.sum(axis=1)
        figures = []
        for share in study.shares:
            sent = smallest_set(mass, share)
            lost = 1.0 - (truth * sent).sum(axis=1) / looked
            figures.append((sent @ area, lost, (lost > 0.05).astype(float)))
        sent_share, missed, broken = (
            np.stack(column, axis=1) for column in zip(*figures, strict=True)
        )
        yield sent_share, missed, broken


def _seen(tiles: Tiles, turned: Floats, turn: Floats) -> Floats:
    """Tiles that turned heads see in the world, where tiles stand still."""
    c, s = np.cos(turn), np.sin(turn)
    x, y, z = np.moveaxis(turned, -1, 0)
    return tiles.seen_nearly(unit(np.stack([c * x + s * z, y, c * z - s * x], axis=-1)))


def viewport_results(sight: Sight) -> StudyResults:
    """Everything that the study writes."""
    from rtwin.streaming.viewport.picture import plot_viewport

    study, heads = sight.study, sight.heads
    asked = asdict(study) | {"heads": "shipped" if study.heads is None else str(study.heads)}
    who = f"{heads.num_users} people, {len(heads.user)} views"
    tables = [
        StudyTable(
            "errors",
            "Great-circle error of where heads point, people held out",
            list(_error_rows(sight)),
            {"horizon [s]": 1, "error [deg]": 1},
            f"{who}; means over people, ± 95 %. within: share of moments less than "
            f"{CLOSE_DEG:g} degrees off. against ridge: paired by people, below 0 is better. "
            f"{NETWORK}: learns what {CROWD} leaves.",
        ),
        StudyTable(
            "tiles",
            f"Tiles by predicted mass, {study.tiles.columns} x {study.tiles.rows}, field of view "
            f"{study.tiles.field_deg[0]:g} x {study.tiles.field_deg[1]:g} degrees",
            list(_tile_rows(sight)),
            {"horizon [s]": 1, "share": 2, "vr_8k [Mbit/s]": 1},
            "share: of the mass that is expected to be seen. sent: of the sphere. missed: of what "
            "was seen. broken: moments that missed more than a twentieth. vr_8k: its rate where "
            "only these tiles are sent.",
        ),
    ]
    arrays = _arrays(sight)
    title = "Regions of interest from head directions"
    return StudyResults(
        "viewport", title, asked, tables, arrays, {"viewport": plot_viewport(sight)}
    )


def _error_rows(sight: Sight) -> Iterator[dict[str, Cell]]:
    ridge = PREDICTORS.index(RIDGE)
    for place, horizon in enumerate(sight.study.horizons_s):
        for number, name in enumerate(PREDICTORS):
            error = sight.error_deg[number, place]
            yield {
                "horizon [s]": horizon,
                "predictor": name,
                "error [deg]": figure_of(error.tolist()),
                "within": figure_of(sight.close[number, place].tolist()),
                "against ridge [deg]": figure_of((error - sight.error_deg[ridge, place]).tolist()),
            }


def _tile_rows(sight: Sight) -> Iterator[dict[str, Cell]]:
    for place, horizon in enumerate(sight.study.horizons_s):
        for number, name in enumerate(PREDICTORS):
            for column, share in enumerate(sight.study.shares):
                at = (number, place, column)
                sent = figure_of(sight.sent[at].tolist())
                yield {
                    "horizon [s]": horizon,
                    "predictor": name,
                    "share": share,
                    "sent": sent,
                    "missed": figure_of(sight.missed[at].tolist()),
                    "broken": figure_of(sight.broken[at].tolist()),
                    "vr_8k [Mbit/s]": SERVICE_MBPS * sent.mean,
                }


def _arrays(sight: Sight) -> xarray.Dataset:
    study = sight.study
    per_user = ("predictor", "horizon", "user")
    per_share = ("predictor", "horizon", "share", "user")
    made = xarray.Dataset(
        {
            "error_deg": (per_user, sight.error_deg, {"units": "degree"}),
            "close": (per_user, sight.close, {"units": "1"}),
            "sent": (per_share, sight.sent, {"units": "1"}),
            "missed": (per_share, sight.missed, {"units": "1"}),
            "broken": (per_share, sight.broken, {"units": "1"}),
        },
        {
            "predictor": list(PREDICTORS),
            "horizon": ("horizon", list(study.horizons_s), {"units": "s"}),
            "share": list(study.shares),
            "user": np.arange(sight.heads.num_users),
        },
    )
    return made
