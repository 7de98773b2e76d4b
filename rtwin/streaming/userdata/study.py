"""The study of users' data: what decisions lose where twins are told less, later, or with noise."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.dataset import LinkTrace, RadioMap, sample_map
from rtwin.experiments.beliefs import Worlds
from rtwin.progress import Progress, silent
from rtwin.scene import Tracks
from rtwin.streaming.behaviour import Catalogue, draw_catalogue, draw_population
from rtwin.streaming.decision import DemandModel, Setting, fixed
from rtwin.streaming.loop import Belief, ClosedLoop, World
from rtwin.streaming.twins import held, on_beat, on_delta
from rtwin.streaming.userdata.codes import CODES, Code, fit_code, window_of
from rtwin.streaming.userdata.drives import ATTRIBUTES, read_drives
from rtwin.streaming.userdata.importance import Importance, importances
from rtwin.streaming.userdata.runs import PEOPLE, Row, Runs, serving_sinr_db
from rtwin.streaming.userdata.settings import UserDataStudy
from rtwin.streaming.userdata.updates import POLICIES, new_users, updated

_WALKS = 20_000  # added to the seeds of the walks that codes are fitted to
RAY_TRACED, CORRECTED = "ray-traced twin", "corrected twin"
DELTAS_DB = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
BEATS = (2, 4, 8, 16)
GREATEST_AGE = 60  # seconds


@dataclass
class UserData:
    """What the study of users' data found.

    Attributes:
        study: What was asked for.
        catalogue: The videos.
        importance: By what was looked at: importances, and how much trees explain.
        collection: Error against reports, rows for each trace.
        codes, privacy, places: One row for each seed and setting.
        new_users, updates: Likewise.
    """

    study: UserDataStudy
    catalogue: Catalogue
    importance: dict[str, tuple[list[Importance], float]] = field(default_factory=dict)
    collection: list[Row] = field(default_factory=list)
    codes: list[Row] = field(default_factory=list)
    privacy: list[Row] = field(default_factory=list)
    places: list[Row] = field(default_factory=list)
    new_users: list[Row] = field(default_factory=list)
    updates: list[Row] = field(default_factory=list)


def run_userdata(study: UserDataStudy, progress: Progress = silent) -> UserData:
    """Run the study.

    Args:
        study: What is compared.
        progress: Called with stage ("learn", "experiment"), steps done and in all.
    Raises:
        RecipeError, OutOfRangeError, StoreError: if the scene or the drives cannot be used.
        MissingExtraError: if Keras is not installed.
    Checked by tests/streaming/userdata/test_study.py.
    """
    from threadpoolctl import threadpool_limits

    asked = study.streaming()
    found = UserData(study, draw_catalogue(asked.videos))
    if study.drives is not None:
        _of_drives(found, read_drives(study.drives))
    for seed in range(study.seeds):
        found.new_users += new_users(found.catalogue, study.swipes, seed)
        found.updates += [updated(found.catalogue, policy, seed) for policy in POLICIES]
    demand = DemandModel(found.catalogue, asked.interval_s)
    with tempfile.TemporaryDirectory(prefix="rtwin-") as name, threadpool_limits(1):
        worlds = Worlds(asked.radio(), Path(name))
        told = worlds.shared[RAY_TRACED]
        codes = _codes(found, worlds, told, demand, progress)
        people: list[tuple[Floats, Floats]] = []
        progress("experiment", 0, study.seeds)
        for seed in range(study.seeds):
            truth, radio = worlds.of(seed)
            crowd = draw_population(study.users, seed, num_types=found.catalogue.num_types)
            world = World(truth, found.catalogue, crowd, asked.interval_s, seed)
            base = Belief(radio[CORRECTED].trace, radio[CORRECTED].error_db)
            runs = Runs(asked, demand, world, base)
            people.append(runs.people())
            found.codes += runs.coded(codes)
            found.privacy += runs.private(study.epsilons)
            traced = Belief(radio[RAY_TRACED].trace, radio[RAY_TRACED].error_db)
            found.places += runs.moved(traced, partial(_sampled, told, worlds), study.moves_m)
            _collect(found.collection, "walks", serving_sinr_db(truth), seed)
            progress("experiment", seed + 1, study.seeds)
    _of_walks(found, people)
    return found


def _sampled(told: RadioMap, worlds: Worlds, truth: LinkTrace, position_m: Floats) -> LinkTrace:
    """What the map says at other places; those outside of it are taken at its edge."""
    centers = told.cell_centers_m
    for axis, edge in ((0, centers[0, :, 0]), (1, centers[:, 0, 1])):
        position_m[..., axis] = np.clip(position_m[..., axis], edge.min(), edge.max())
    return sample_map(told, Tracks(truth.time_s, truth.ue_name, position_m), worlds.link)


def _codes(
    found: UserData, worlds: Worlds, told: RadioMap, demand: DemandModel, progress: Progress
) -> list[Code]:
    """Codes of every width, fitted to windows of walks that no seed has."""
    study, asked = found.study, found.study.streaming()
    windows = []
    progress("learn", 0, study.walks)
    for walk in range(_WALKS, _WALKS + study.walks):
        trace = sample_map(told, worlds.tracks(walk), worlds.link)
        crowd = draw_population(study.users, walk, num_types=found.catalogue.num_types)
        world = World(trace, found.catalogue, crowd, asked.interval_s, walk)
        loop = ClosedLoop(world, Belief(trace, 4.0, users="true"), Setting(demand), fixed)
        for interval in range(min(world.num_intervals, study.intervals)):
            known = loop.knowledge(interval)
            windows.append(window_of(known)[known.served])
        progress("learn", walk + 1 - _WALKS, study.walks)
    every = np.concatenate(windows)
    types = found.catalogue.num_types
    return [fit_code(name, every, width, types) for width in study.widths for name in CODES]


def _collect(rows: list[Row], of: str, values: Floats, seed: int) -> None:
    """Error of what a twin holds against reports, by beat and on delta, [row, user]."""
    policies: list[tuple[str, float, Callable[[Floats], Bools]]] = [
        ("beat", float(every), partial(_on_beat, every)) for every in BEATS
    ]
    policies += [("on delta", delta, partial(_on_delta, delta)) for delta in DELTAS_DB]
    for policy, setting, sent in policies:
        reports = count = 0
        square = 0.0
        for track in values.T:
            taken = sent(track) & np.isfinite(track)
            miss = held(track, taken) - track
            miss = miss[np.isfinite(miss)]
            reports, count = reports + int(taken.sum()), count + len(miss)
            square += float((miss**2).sum())
        rows.append(
            {"of": of, "policy": policy, "every [s] or delta [dB]": setting, "seed": seed}
            | {"reports": reports / max(count, 1), "error [dB]": float(np.sqrt(square / count))}
        )


def _on_beat(every: int, values: Floats) -> Bools:
    return on_beat(len(values), every)


def _on_delta(delta: float, values: Floats) -> Bools:
    return on_delta(values, delta, GREATEST_AGE)


def _of_drives(found: UserData, drives: list[Floats]) -> None:
    """Importance for ln(rate), and collection of the SNR, on drives with a phone."""
    for number, drive in enumerate(drives):
        snr = drive[:, ATTRIBUTES.index("SNR")]
        if np.isfinite(snr).sum() > GREATEST_AGE:
            _collect(found.collection, "drives", snr[:, None], number)
    rows = np.concatenate(drives)
    group = np.repeat(np.arange(len(drives)), [len(d) for d in drives])
    whole = np.isfinite(rows).all(axis=1) & (rows[:, -1] > 0)
    found.importance["drives"] = importances(
        ATTRIBUTES, rows[whole, :-1], np.log(rows[whole, -1]), group[whole]
    )


def _of_walks(found: UserData, people: list[tuple[Floats, Floats]]) -> None:
    """Importance for satisfaction of what twins hold of users."""
    rows, figure = (np.concatenate(column) for column in zip(*people, strict=True))
    users = np.arange(len(rows)) % found.study.users
    found.importance["walks"] = importances(PEOPLE, rows, figure, users)
