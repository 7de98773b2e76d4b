"""What the study of reservations ahead is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from rtwin.errors import OutOfRangeError
from rtwin.experiments.beliefs import SCENE, USERS, SlicingExperiment
from rtwin.experiments.network import PRB_PRICE, Service
from rtwin.experiments.worlds import WorldSettings
from rtwin.settings import AtLeast, Count, Settings

Places = Literal["known", "predicted"]


@dataclass(frozen=True)
class AheadStudy(Settings):
    """What is compared, and on what.

    Attributes:
        scene: A shipped scene, a folder or a .toml file.
        seeds: Reference worlds, walks and traffic that are drawn.
        windows_s: How long reservations last [s]; each is a study of its own.
        places: Where users will be: "known", or "predicted" from how they walked just before.
        users: Number of users of each service.
        duration_s: Time that users walk [s].
        frame_s: Parts of a window for which demand is looked at alone [s].
        step_s: Time between rows of link traces [s]; reports are one row old.
        past_s: How long users are watched before it is said how they go on [s].
        tuning: Further worlds, in which policies are tuned.
        ppo_steps: Decisions that shares are learned from by PPO, for each window and two
            knowledges, in the worlds for tuning; 0: none are.
        price: What reserving all blocks costs, in optimiser and reward alike.
        bandwidth_hz: Channel bandwidth [Hz].
        map_rays: Rays per transmitter of every map; None: the recipe's.
        points: Measurements that log-distance and kriging are fitted to.
        residual_db: What rays do not explain in the reference [dB].
        interference_load, lending, admission, stale_without, ways, twins, reference, policies,
            services: See SlicingExperiment.
        workers: Processes.
    """

    scene: str | Path = SCENE
    seeds: Count = 20
    windows_s: tuple[float, ...] = (5.0, 20.0)
    places: Places = "known"
    users: Mapping[str, int] = field(default_factory=lambda: dict(USERS))
    duration_s: float = 60.0
    frame_s: float = 1.0
    step_s: float = 0.2
    past_s: float = 1.0
    tuning: Count = 3
    ppo_steps: Annotated[int, AtLeast(0)] = 0
    price: float = PRB_PRICE
    bandwidth_hz: float = 100e6
    map_rays: int | None = None
    points: Count = 60
    residual_db: float = 4.0
    interference_load: float | None = None
    lending: bool = False
    admission: bool = False
    stale_without: tuple[str, ...] | None = None
    ways: Path | None = None
    twins: Mapping[str, Path] = field(default_factory=dict)
    reference: Path | None = None
    policies: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    workers: Count = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("duration_s", "frame_s", "step_s", "past_s", "price"):
            if not 0 < getattr(self, name) < 1e6:
                raise OutOfRangeError(f"{name} is {getattr(self, name):g}, it must be above 0")
        if not self.windows_s:
            raise OutOfRangeError("windows_s is empty; give a length of reservations")
        for window_s in self.windows_s:
            if not self.step_s <= window_s <= self.duration_s:
                raise OutOfRangeError(
                    f"a window is {window_s:g} s; it must be from {self.step_s:g} s to the "
                    f"{self.duration_s:g} s that users walk"
                )
        self.radio()

    def radio(self) -> SlicingExperiment:
        """The worlds, as the slicing experiment draws them."""
        return SlicingExperiment(
            scene=self.scene,
            seeds=self.seeds,
            users=self.users,
            duration_s=self.duration_s,
            epoch_s=self.step_s,
            bandwidth_hz=self.bandwidth_hz,
            map_rays=self.map_rays,
            stale_without=self.stale_without,
            points=self.points,
            ways=self.ways,
            twins=self.twins,
            interference_load=self.interference_load,
            world=WorldSettings(residual_db=self.residual_db),
            reference=self.reference,
            services=self.services,
            walk_interval_s=self.step_s,
        )
