"""Writing what an experiment found: table, raw figures, picture."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from rtwin.errors import StoreError
from rtwin.experiments.beliefs import SlicingExperiment
from rtwin.experiments.fidelity import Run
from rtwin.experiments.picture import plot_slicing
from rtwin.experiments.table import csv_table, json_report, markdown_table, rows_of
from rtwin.files import appearing, check_results
from rtwin.plot import save_figure

NAMES = ("slicing.md", "slicing.csv", "slicing.json", "slicing.png")


def prepare_folder(folder: Path, names: Sequence[str] = NAMES, table: str = NAMES[2]) -> None:
    """Make sure that results can be written to a folder, before the work.

    Args:
        folder: Where to.
        names: Of the files to write.
        table: The one of them that is JSON.
    Raises:
        StoreError: if it is a file, cannot be made or cannot be written to, or holds
            files of these names that are no results.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: {os.strerror(error.errno or 0)}; give a folder") from error
    if not os.access(folder, os.W_OK):
        raise StoreError(f"{folder}: cannot be written to; choose another place")
    check_results(folder, names, table)


def write_results(experiment: SlicingExperiment, runs: Sequence[Run], folder: Path) -> list[Path]:
    """Write table (Markdown, CSV), everything (JSON) and picture (PNG); each whole or not at all.

    Returns:
        The files, in the order of NAMES.
    Raises:
        StoreError: if one cannot be written.
        MissingExtraError: if matplotlib is not installed; the others are written.
    """
    prepare_folder(folder)
    rows = rows_of(runs)
    texts = (
        markdown_table(rows) + "\n",
        csv_table(rows),
        json.dumps(json_report(experiment, runs), indent=1) + "\n",
    )
    files = [folder / name for name in NAMES]
    for file, text in zip(files, texts, strict=False):
        _write_text(file, text)
    users = ", ".join(f"{count} {name}" for name, count in experiment.users.items())
    drawn = "reference world" if experiment.reference is None else "walk"
    count = f"{experiment.seeds} {drawn}{'s' if experiment.seeds > 1 else ''}"
    title = f"Slicing decided on twins of {experiment.scene}\n{users}; {count}"
    save_figure(plot_slicing(rows, title), files[-1])
    return files


def _write_text(file: Path, text: str) -> None:
    try:
        with appearing(file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"{file}: {os.strerror(error.errno or 0)}; choose another place"
        ) from error
