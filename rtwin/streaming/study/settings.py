"""What the streaming study is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from rtwin.errors import OutOfRangeError
from rtwin.experiments import SlicingExperiment, WorldSettings
from rtwin.experiments.beliefs import SCENE, STALE_WITHOUT
from rtwin.settings import AtLeast, Count, Settings
from rtwin.streaming.decision import RESERVATIONS, Weights

SPEED_M_S = (2 / 3.6, 5 / 3.6)
POWER_DBM = 27.0


@dataclass(frozen=True)
class StreamingStudy(Settings):
    """Multicast short video on a ray-traced scene: which scheme, and what twins are worth.

    Attributes:
        scene: A shipped scene, a folder or a .toml file.
        seeds: Reference worlds, walks, crowds that are drawn.
        users: Users who walk.
        videos: In the catalogue.
        intervals: Of each run, those for warming included.
        warm_up: Intervals that are not counted.
        interval_s: Length of an interval [s].
        bandwidth_hz: Of each station [Hz].
        interference: Share of the other station's power that interferes.
        price: Of all blocks, lambda_B.
        other_prices: For the frontier.
        frontier_seeds: Seeds of the frontier and of the value's table.
        reservation: Of all schemes but the article's, which takes "convex".
        swipes: File of swipe data; None: a drawn catalogue.
        map_rays: Rays per transmitter of every map; None: the recipe's.
        ways: GeoJSON file of ways to walk along; None: random waypoints.
        twins: Further radio maps to decide on, by name.
        ages_s: When some of them are there, as for slicing.
        reference: Radio map that is the reference of every seed; None: one is drawn for each.
        examples: Intervals that learned schemes learn from.
        workers: Processes.
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    scene: str | Path = SCENE
    seeds: Count = 10
    users: Count = 60
    videos: Count = 1000
    intervals: int = 8
    warm_up: Annotated[int, AtLeast(0)] = 2
    interval_s: float = 60.0
    bandwidth_hz: float = 40e6
    interference: float = 0.1
    price: float = 0.25
    other_prices: tuple[float, ...] = (0.1, 0.4, 0.6, 1.0)
    frontier_seeds: int = 3
    reservation: str = "exact"
    swipes: Path | None = None
    map_rays: int | None = 200_000
    ways: Path | None = None
    twins: Mapping[str, Path] = field(default_factory=dict)
    ages_s: Mapping[str, float] = field(default_factory=dict)
    reference: Path | None = None
    examples: Count = 30
    workers: Count = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.intervals <= self.warm_up:
            raise OutOfRangeError(
                f"intervals is {self.intervals}; there must be more than the {self.warm_up} for "
                "warming"
            )
        if self.reservation not in RESERVATIONS:
            raise OutOfRangeError(
                f"reservation is {self.reservation!r}; it must be {' or '.join(RESERVATIONS)}"
            )
        if min(self.other_prices, default=0.0) < 0:
            raise OutOfRangeError("prices must be 0 or more")
        self.weights(self.price)
        self.radio()

    def weights(self, price: float) -> Weights:
        """Weights of the value with a price of blocks."""
        return Weights(radio=price)

    def radio(self) -> SlicingExperiment:
        """The worlds, as the slicing experiment draws them."""
        return SlicingExperiment(
            scene=self.scene,
            seeds=self.seeds,
            users={"short_video": self.users},
            # One row more than needed: a duration is its last time.
            duration_s=self.intervals * self.interval_s,
            epoch_s=self.interval_s,
            bandwidth_hz=self.bandwidth_hz,
            map_rays=self.map_rays,
            ways=self.ways,
            twins=self.twins,
            ages_s=self.ages_s,
            world=WorldSettings(),
            reference=self.reference,
            stale_without=STALE_WITHOUT.get(str(self.scene), ()),
            walk_interval_s=1.0,
            speed_m_s=SPEED_M_S,
            power_dbm=None if self.reference is not None else POWER_DBM,
            told=False,
            told_distance=True,
            interference_load=self.interference,
        )
