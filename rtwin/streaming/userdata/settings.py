"""What the study of users' data is asked for."""

from dataclasses import dataclass
from pathlib import Path

from rtwin.errors import OutOfRangeError
from rtwin.experiments.beliefs import SCENE
from rtwin.streaming.study import StreamingStudy


@dataclass(frozen=True)
class UserDataStudy:
    """What twins should be told of users, how often, in how many numbers, and how privately.

    Attributes:
        scene: A shipped scene, a folder or a .toml file.
        seeds: Worlds, walks and crowds that are drawn.
        users: Users who walk.
        intervals: Minutes of each run, two for warming included.
        drives: Archive or folder of drives with a phone; None: walks on the scene alone.
        widths: Numbers of a user's window that a code keeps.
        epsilons: Of each like that is told.
        moves_m: Mean distance by which a user's place is moved [m].
        swipes: Views that are known of a new user.
        walks: Whose windows codes are fitted to.
        map_rays: Rays per transmitter of every map; None: the recipe's.
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    scene: str | Path = SCENE
    seeds: int = 3
    users: int = 60
    intervals: int = 8
    drives: Path | None = None
    widths: tuple[int, ...] = (1, 2, 4)
    epsilons: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0, 10.0)
    moves_m: tuple[float, ...] = (5.0, 10.0, 20.0, 40.0)
    swipes: tuple[int, ...] = (1, 5, 20)
    walks: int = 2
    map_rays: int | None = 200_000

    def __post_init__(self) -> None:
        if self.walks < 1 or min(self.swipes, default=1) < 1 or min(self.widths, default=1) < 1:
            raise OutOfRangeError("walks, widths and swipes must be 1 or more")
        if min(self.epsilons, default=1.0) <= 0 or min(self.moves_m, default=1.0) <= 0:
            raise OutOfRangeError("epsilons and moves must be above 0")
        self.streaming()

    def streaming(self) -> StreamingStudy:
        """The streaming study in whose worlds users walk."""
        return StreamingStudy(
            scene=self.scene,
            seeds=self.seeds,
            users=self.users,
            intervals=self.intervals,
            map_rays=self.map_rays,
            workers=1,
        )
