"""What `import rtwin` holds: one function per job, with the command's name, on what a person has.

A scene may be a shipped scene's name, a path or a Recipe; what comes back is there to look at.
Keywords are those of the layers' own functions, which each docstring names; `overrides` are the
recipe's, of rtwin.scene.with_overrides: num_receivers, rays, max_depth, frequency_hz, ...
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rtwin.calibration import calibrate
from rtwin.dataset import (
    PathDataset,
    RadioMap,
    file_info,
    open_dataset,
    open_link_trace,
    open_radio_map,
    sample,
    tf_dataset,
    validate_file,
)
from rtwin.dataset import evaluate as _evaluate
from rtwin.dataset import generate as _generate
from rtwin.dataset import generate_radio_map as _generate_radio_map
from rtwin.deployment import twin_quality as quality
from rtwin.errors import OutOfRangeError
from rtwin.horizontal import (
    MeasuredUpdate,
    MergedPaths,
    Snapshot,
    create_twin,
    history,
    merge_files,
    open_twin,
    rehearse,
    update_measured,
    update_twin,
)
from rtwin.progress import Progress, silent
from rtwin.scene import Recipe, list_scenes, load_recipe, with_overrides
from rtwin.scene.build import build_scene

__all__ = [
    "build_scene",
    "calibrate",
    "evaluate",
    "file_info",
    "generate",
    "history",
    "list_scenes",
    "load_recipe",
    "merge",
    "open_dataset",
    "open_link_trace",
    "open_radio_map",
    "open_twin",
    "quality",
    "radio_map",
    "rehearse",
    "sample",
    "tf_dataset",
    "twin",
    "update",
    "validate_file",
]

Scene = Recipe | str | Path


def _recipe(scene: Scene, overrides: dict[str, Any]) -> Recipe:
    if isinstance(scene, Recipe):
        return with_overrides(scene, **overrides) if overrides else scene
    return load_recipe(scene, **overrides)


def generate(
    scene: Scene,
    output: str | Path,
    *,
    shard_size: int | None = None,
    workers: int | None = None,
    ray: str | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
    **overrides: Any,
) -> PathDataset:
    """Trace a dataset of paths, and open it; see rtwin.dataset.generate.

    Example: rtwin.generate("munich", "munich.h5", num_receivers=1000)
    """
    file = _generate(
        _recipe(scene, overrides),
        output,
        shard_size=shard_size,
        workers=workers,
        ray=ray,
        overwrite=overwrite,
        progress=progress,
    )
    return open_dataset(file)


def evaluate(
    file: str | Path,
    output: str | Path,
    *,
    frequencies_hz: Sequence[float] | None = None,
    **options: Any,
) -> PathDataset:
    """Evaluate stored paths anew without tracing, and open them; see rtwin.dataset.evaluate.

    A sweep is opened at its first frequency.
    """
    made = _evaluate(file, output, frequencies_hz=frequencies_hz, **options)
    return open_dataset(made, frequencies_hz[0] if frequencies_hz else None)


def radio_map(
    scene: Scene,
    output: str | Path,
    *,
    method: str = "monte-carlo",
    overwrite: bool = False,
    progress: Progress = silent,
    **overrides: Any,
) -> RadioMap:
    """Trace a radio map, and read it; see rtwin.dataset.generate_radio_map.

    Example: rtwin.radio_map("munich", "map.h5", cell_size_m=2)
    """
    file = _generate_radio_map(
        _recipe(scene, overrides), output, method=method, overwrite=overwrite, progress=progress
    )
    return open_radio_map(file)


def twin(
    scene: Scene,
    output: str | Path,
    *,
    uncertainty_db: float = 6.0,
    progress: Progress = silent,
    **overrides: Any,
) -> Snapshot:
    """Build a twin that can be kept current; see rtwin.horizontal.create_twin."""
    return create_twin(
        _recipe(scene, overrides), output, uncertainty_db=uncertainty_db, progress=progress
    )


def update(
    twin: str | Path,
    *,
    edit: Any = None,
    measurements: str | Path | None = None,
    **options: Any,
) -> Snapshot | MeasuredUpdate:
    """Bring a twin up to date with known edits or with measurements.

    Args:
        twin: Its folder.
        edit: Edits or their file; see rtwin.horizontal.update_twin for the options.
        measurements: A file or a campaign; see rtwin.horizontal.update_measured.
    Raises:
        OutOfRangeError: if both are given, or neither.
    """
    if (edit is None) == (measurements is None):
        raise OutOfRangeError("give edit or measurements, one of the two")
    if measurements is not None:
        return update_measured(twin, measurements, **options)
    return update_twin(twin, edit, **options)


def merge(
    files: Sequence[str | Path], output: str | Path, **options: Any
) -> RadioMap | PathDataset:
    """Merge maps and twins, or datasets, and read what came; see rtwin.horizontal.merge_files."""
    made = merge_files(files, output, **options)
    return open_dataset(output) if isinstance(made, MergedPaths) else open_radio_map(output)
