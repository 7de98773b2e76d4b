"""What decisions on twins earn: slicing and streaming in worlds that differ from every twin."""

import copy
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from rtwin.dataset import LinkTrace, RadioMap, sample_map
from rtwin.deployment.worth.drawn import DrawnTwin, drawn_twin
from rtwin.experiments import (
    Optimised,
    SimulatorSettings,
    SlicedNetwork,
    SlicingExperiment,
    StaticShares,
    make_slices,
    run_episode,
)
from rtwin.experiments.beliefs import Drawn, Worlds
from rtwin.progress import Progress, silent
from rtwin.scene import Tracks
from rtwin.settings import AtLeast, Count, Settings
from rtwin.streaming import DemandModel, Setting, draw_catalogue, draw_population
from rtwin.streaming.decision import search
from rtwin.streaming.loop import Belief, ClosedLoop, World
from rtwin.streaming.study import StreamingStudy

SLICING, STREAMING = "slicing", "streaming"
TASKS = (SLICING, STREAMING)
_TWINS = 77  # seeds the draws of twins apart: worlds stay those of the other studies


@dataclass(frozen=True)
class WorthStudy(Settings):
    """What is asked.

    Attributes:
        scenes: Scenes of which worlds are drawn.
        seeds: Worlds of each scene.
        twins: Twins drawn of each world.
        duration_s: How long the users of slices walk [s].
        users, intervals, videos: Of the streaming loop; the first two intervals are not counted.
        map_rays: Rays per transmitter of every map.
    """

    scenes: tuple[str, ...] = ("courtyard", "street_canyon")
    seeds: Annotated[int, AtLeast(2)] = 8
    twins: Count = 24
    duration_s: float = 20.0
    users: Count = 30
    intervals: Count = 6
    videos: Count = 300
    map_rays: Count = 50_000

    def slicing(self, scene: str) -> SlicingExperiment:
        """The worlds, and the users of slices."""
        return SlicingExperiment(
            scene=scene,
            seeds=self.seeds,
            duration_s=self.duration_s,
            map_rays=self.map_rays,
            interference_load=1.0,
        )

    def streaming(self, scene: str) -> StreamingStudy:
        """The users of videos."""
        return StreamingStudy(
            scene=scene,
            seeds=self.seeds,
            users=self.users,
            intervals=self.intervals,
            videos=self.videos,
            map_rays=self.map_rays,
        )


@dataclass(frozen=True)
class Row:
    """A twin, and what decisions on it earned.

    Attributes:
        scene, seed: Of its world.
        stated, measured: Its attributes, by name; see DrawnTwin.
        earned: By task: the reward of an epoch, the utility of an interval.
        blind: What is earned without a twin: constant shares; free space.
        best: What is earned by deciding on the world itself.
    """

    scene: str
    seed: int
    stated: dict[str, float]
    measured: dict[str, float]
    earned: dict[str, float]
    blind: dict[str, float]
    best: dict[str, float]


def run_worth(study: WorthStudy, progress: Progress = silent) -> list[Row]:
    """Draw worlds and twins, and decide on each.

    Args:
        study: What is asked.
        progress: Called with stage ("experiment"), worlds done and in all.
    Raises:
        RecipeError, OutOfRangeError: if a scene cannot be used.
        MissingExtraError: if cvxpy is not installed.
    Checked by tests/deployment/worth/test_worth_study.py.
    """
    from threadpoolctl import threadpool_limits

    Optimised().solve(np.full((1, 1), 0.5), np.ones((1, 1)))  # before anything is traced
    rows: list[Row] = []
    total = len(study.scenes) * study.seeds
    progress("experiment", 0, total)
    # Small matrices: threads would only wait for each other.
    with threadpool_limits(1):
        for scene in study.scenes:
            with tempfile.TemporaryDirectory(prefix="rtwin-") as folder:
                worlds = Worlds(study.slicing(scene), Path(folder))
                for seed in range(study.seeds):
                    rows += _of_world(study, worlds, scene, seed)
                    progress("experiment", len(rows) // study.twins, total)
    return rows


def _of_world(study: WorthStudy, worlds: Worlds, scene: str, seed: int) -> Iterator[Row]:
    drawn = worlds.drawn(seed)
    tasks: dict[str, Any] = {
        SLICING: _Slicing(worlds, drawn, seed),
        STREAMING: _Streaming(study.streaming(scene), worlds, drawn, seed),
    }
    blind = {name: task.blind() for name, task in tasks.items()}
    best = {name: task.earned(drawn.reference, 0.0) for name, task in tasks.items()}
    rng = np.random.Generator(np.random.PCG64([seed, study.scenes.index(scene), _TWINS]))
    for _ in range(study.twins):
        twin: DrawnTwin = drawn_twin(
            drawn.reference,
            drawn.maps,
            drawn.check,
            worlds.experiment.point_error_db,
            worlds.experiment.world,
            rng,
        )
        earned = {name: task.earned(twin.radio_map, twin.stated_db) for name, task in tasks.items()}
        yield Row(scene, seed, twin.stated, twin.measured, earned, blind, best)


class _Slicing:
    """Slices of a world, whose shares are decided on maps of it."""

    def __init__(self, worlds: Worlds, drawn: Drawn, seed: int) -> None:
        self.worlds, self.seed = worlds, seed
        self.tracks: Tracks = worlds.tracks(seed)
        self.truth = self._trace(drawn.reference)
        self.slices = make_slices(worlds.experiment.users)
        self.policy = Optimised()

    def _trace(self, found: RadioMap) -> LinkTrace:
        return sample_map(found, self.tracks, self.worlds.link)

    def _reward(self, policy: Any, trace: LinkTrace, error_db: float) -> float:
        settings = SimulatorSettings(epoch_s=self.worlds.experiment.epoch_s)
        network = SlicedNetwork(self.truth, self.slices, settings, trace, error_db)
        return run_episode(network, policy, self.seed).reward

    def blind(self) -> float:
        return self._reward(StaticShares(), self.truth, 0.0)

    def earned(self, found: RadioMap, error_db: float) -> float:
        return self._reward(self.policy, self._trace(found), error_db)


class _Streaming:
    """Multicast short video in the same world, grouped and reserved by maps of it."""

    def __init__(self, study: StreamingStudy, worlds: Worlds, drawn: Drawn, seed: int) -> None:
        self.study, self.free_space = study, drawn.maps["free space"]
        # The same traced maps, other users.
        self.worlds = copy.copy(worlds)
        self.worlds.experiment = study.radio()
        self.error_db = drawn.check.error_db(self.free_space)
        self.tracks: Tracks = self.worlds.tracks(seed)
        truth, catalogue = self._trace(drawn.reference), draw_catalogue(study.videos)
        people = draw_population(study.users, seed, num_types=catalogue.num_types)
        self.world = World(truth, catalogue, people, study.interval_s, seed)
        self.setting = Setting(
            DemandModel(catalogue, study.interval_s),
            weights=study.weights(study.price),
            num_prb=int(truth.attributes["num_prb"]),
            reservation=study.reservation,
        )

    def _trace(self, found: RadioMap) -> LinkTrace:
        power = np.full(len(found.tx_name), float(self.worlds.experiment.power_dbm or 0.0))
        return sample_map(replace(found, tx_power_dbm=power), self.tracks, self.worlds.link)

    def blind(self) -> float:
        return self.earned(self.free_space, self.error_db)

    def earned(self, found: RadioMap, error_db: float) -> float:
        told = Belief(self._trace(found), error_db)
        log = ClosedLoop(self.world, told, self.setting, search).run(self.study.intervals)
        return float(log.mean("utility", self.study.warm_up))
