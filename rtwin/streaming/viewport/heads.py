"""Where people look in a sphere of video: traces of head directions."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError, ShapeError, StoreError

SHIPPED = Path(__file__).with_name("heads.npz")
COLUMNS = ("time_s", "user", "video", "direction")
MAX_BYTES = 2**28


@dataclass(frozen=True, eq=False)
class Heads:
    """Views of videos: who watched what, and where they looked.

    Attributes:
        step_s: Time between samples [s].
        user: Number of the person, [view].
        video: Number of the video, [view].
        direction: Unit vectors, y up, [view, sample, 3].
    Raises:
        ShapeError, OutOfRangeError: if the columns do not fit together.
    """

    step_s: float
    user: Ints
    video: Ints
    direction: Floats

    def __post_init__(self) -> None:
        num = len(self.user)
        if self.direction.ndim != 3 or self.direction.shape[::2] != (num, 3) or not num:
            raise ShapeError(
                f"user has shape {self.user.shape}, direction {self.direction.shape}; they must "
                "be [view] and [view, sample, 3]"
            )
        if self.video.shape != (num,) or not self.step_s > 0:
            raise ShapeError(
                f"video has shape {self.video.shape}, step_s is {self.step_s:g}; they must be "
                f"({num},) and above 0"
            )
        length = np.linalg.norm(self.direction, axis=-1)
        if not (abs(length - 1.0) < 1e-3).all():
            raise OutOfRangeError("a direction is no unit vector; divide it by its length")

    @property
    def num_users(self) -> int:
        """Number of people."""
        return len(np.unique(self.user))

    def of(self, views: Ints) -> "Heads":
        """Some of the views."""
        return Heads(self.step_s, self.user[views], self.video[views], self.direction[views])


def read_heads(file: str | Path | None = None) -> Heads:
    """Traces of head directions.

    Args:
        file: `.npz` with `time_s` [sample], even steps; `user` and `video` [view], any names;
            `direction` [view, sample, 3], y up. None: what rtwin ships, 55 views
            of a minute, of 12 people and 5 videos.
    Raises:
        StoreError: if the file is missing, too large, or no such data.
    Source of what is shipped: Nasrabadi et al., "A taxonomy and dataset for 360 degree videos",
        MMSys 2019, MIT licence, see heads.LICENSE; resampled to 10 Hz, stored as 16-bit floats.
    Checked by tests/streaming/viewport/test_heads.py.
    """
    file = SHIPPED if file is None else Path(file)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise StoreError(f"{file}: has more than {MAX_BYTES >> 20} MiB; split it")
        with np.load(file, allow_pickle=False) as data:
            time_s, user, video, direction = (data[name] for name in COLUMNS)
        direction = direction.astype(np.float64)
        steps = np.diff(time_s.astype(np.float64))
        if not len(steps) or np.ptp(steps) > 0.01 * steps.mean():
            raise ValueError("time_s has no even steps")
        direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise StoreError(
            f"{file}: cannot be read ({str(error)[:80]}); give .npz with {', '.join(COLUMNS)}"
        ) from None
    person, title = (
        np.unique(np.char.strip(v.astype(str)), return_inverse=True)[1] for v in (user, video)
    )
    return Heads(float(steps.mean()), person, title, direction)


def facing(direction: Floats) -> Floats:
    """Rotations into the frame of a head, [..., 3, 3]: right, up and ahead are its rows.

    A head does not roll: right is level. Looking straight up or down, right is +x.
    """
    ahead = np.asarray(direction, np.float64)
    right = np.stack([ahead[..., 2], np.zeros_like(ahead[..., 0]), -ahead[..., 0]], axis=-1)
    length = np.linalg.norm(right, axis=-1, keepdims=True)
    right = np.where(length > 1e-9, right / np.maximum(length, 1e-9), [1.0, 0.0, 0.0])
    return np.stack([right, np.cross(ahead, right), ahead], axis=-2)


def angle_deg(one: Floats, other: Floats) -> Floats:
    """Great-circle angle between unit vectors [degree], [...]."""
    # From the chord: the arc cosine loses small angles.
    chord = np.linalg.norm(np.asarray(one) - np.asarray(other), axis=-1)
    return np.asarray(np.rad2deg(2.0 * np.arcsin(np.clip(chord / 2.0, 0.0, 1.0))))
