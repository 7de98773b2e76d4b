"""Swipe data of one's own: distributions in .npz, logs of views in CSV."""

import csv
import zipfile
from pathlib import Path

import numpy as np

from rtwin.errors import StoreError
from rtwin.streaming.behaviour.catalogue import Catalogue, catalogue_of

MAX_BYTES = 2**28
COLUMNS = ("user", "video", "watched_s", "duration_s")


def read_swipes(file: str | Path, num_videos: int | None = None, seed: int = 0) -> Catalogue:
    """A catalogue from a file of swipe data.

    `.npz` holds `row_size` [video] and `probability` [sum of row_size]: for each video
    P(leaves in second t), and at last P(watches to the end). `.csv` holds a log of views with
    the columns user, video, watched_s and duration_s; a view that lasted as long as its video
    was watched to the end. Of a log each video's curve is that of its views (Kaplan and Meier
    without censoring) with one view of a uniform leaver added.

    Args:
        file: The file.
        num_videos: Take so many of its videos, drawn by the seed; None: all.
        seed: Of the choice and of the types.
    Raises:
        StoreError: if the file is missing, too large, or no such data.
        OutOfRangeError: if it holds too few videos, or a row that is no distribution.
    Checked by tests/streaming/behaviour/test_reading.py.
    """
    file = Path(file)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise StoreError(f"{file}: has more than {MAX_BYTES >> 20} MiB; split it")
        rows = _of_log(file) if file.suffix.lower() == ".csv" else _of_arrays(file)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, UnicodeError) as error:
        raise StoreError(
            f"{file}: cannot be read ({str(error)[:80]}); give .npz with row_size and "
            f"probability, or .csv with {', '.join(COLUMNS)}"
        ) from None
    if num_videos is not None and num_videos < len(rows):
        rng = np.random.Generator(np.random.PCG64([seed, 0x5357]))
        rows = [rows[k] for k in np.sort(rng.permutation(len(rows))[:num_videos])]
    return catalogue_of(rows, seed)


def _of_arrays(file: Path) -> list[np.ndarray]:
    with np.load(file, allow_pickle=False) as data:
        size = data["row_size"].astype(np.int64)
        chance = data["probability"].astype(np.float64)
    if (size < 2).any() or size.sum() != len(chance):
        raise ValueError(f"row_size adds up to {size.sum()}, probability has {len(chance)}")
    return np.split(chance, np.cumsum(size)[:-1])


def _of_log(file: Path) -> list[np.ndarray]:
    views: dict[str, list[tuple[float, float]]] = {}
    with open(file, newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"lacks the columns {', '.join(missing)}")
        for number, row in enumerate(reader, 2):
            watched, duration = float(row["watched_s"]), float(row["duration_s"])
            if not (0 <= watched < np.inf and 0 < duration < 86_400):
                raise ValueError(f"line {number}: watched {watched:g} s of {duration:g} s")
            views.setdefault(row["video"], []).append((watched, duration))
    rows = []
    for seen in views.values():
        seconds = max(1, round(max(d for _, d in seen)))
        chance = np.full(seconds + 1, 1.0 / (seconds + 1))
        for watched, _ in seen:
            chance[min(int(watched), seconds) if watched < seconds - 1e-6 else seconds] += 1.0
        rows.append(chance / chance.sum())
    return rows
