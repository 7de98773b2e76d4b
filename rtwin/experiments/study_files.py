"""What a study leaves in its folder: tables as Markdown and CSV, everything as JSON and HDF5.

A study of name `x` writes `x.md`, a `x-TABLE.csv` for each table, `x.json`, `x.h5` and a
`x-PICTURE.png` for each picture.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rtwin.dataset.store import plain_errors, provenance, write_whole
from rtwin.experiments.results import prepare_folder
from rtwin.experiments.table import Figure, figure_of
from rtwin.files import appearing
from rtwin.plot import save_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure as Picture

Cell = str | bool | int | float | Figure


@dataclass(frozen=True)
class StudyTable:
    """A table of a study.

    Attributes:
        name: Of its file.
        title: Above it.
        rows: Cells by column; every row has the same columns.
        decimals: Of the numbers of a column; default 3.
        notes: Below it.
    """

    name: str
    title: str
    rows: Sequence[Mapping[str, Cell]]
    decimals: Mapping[str, int] = field(default_factory=dict)
    notes: str = ""

    def markdown(self) -> str:
        """The rows as a Markdown table; ± is half the width of the 95 % interval over seeds."""
        if not self.rows:
            return "(nothing was asked for)"
        heads = list(self.rows[0])
        lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
        for row in self.rows:
            cells = [self._text(head, row[head]) for head in heads]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def _text(self, head: str, cell: Cell) -> str:
        decimals = self.decimals.get(head, 3)
        if isinstance(cell, Figure):
            return cell.text(1.0, decimals)
        if isinstance(cell, bool | np.bool_):
            return "yes" if cell else "no"
        if isinstance(cell, float):
            return "-" if np.isnan(cell) else f"{cell:.{decimals}f}"
        return str(cell)

    def csv(self) -> str:
        """The rows as CSV; a figure has a column for its mean and one for its half width."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        heads = list(self.rows[0]) if self.rows else []
        wide = {h for h in heads if any(isinstance(row[h], Figure) for row in self.rows)}
        writer.writerow([n for h in heads for n in ((h, f"{h} ±") if h in wide else (h,))])
        for row in self.rows:
            cells: list[Any] = []
            for head in heads:
                cell = row[head]
                if isinstance(cell, Figure):
                    cells += [cell.mean, cell.half_width]
                else:
                    cells += [cell, ""] if head in wide else [cell]
            writer.writerow(["" if isinstance(c, float) and np.isnan(c) else c for c in cells])
        return text.getvalue()


@dataclass(frozen=True, eq=False)
class StudyResults:
    """All that a study found.

    Attributes:
        name: Of the study, and of its files.
        title: Above its tables.
        asked: What was asked, as plain data.
        tables: In their order.
        arrays: Labelled raw figures.
        pictures: By name.
    """

    name: str
    title: str
    asked: Mapping[str, Any]
    tables: Sequence[StudyTable]
    arrays: "xarray.Dataset"
    pictures: Mapping[str, "Picture"] = field(default_factory=dict)

    def markdown(self) -> str:
        """All tables under their titles."""
        parts = [f"# {self.title}"]
        for table in self.tables:
            parts += [
                f"## {table.title}",
                table.markdown(),
                *([table.notes] if table.notes else []),
            ]
        return "\n\n".join(parts) + "\n"

    def report(self) -> dict[str, Any]:
        """What was asked and all tables, as plain data; no number is NaN."""
        tables = {
            table.name: [
                {h: asdict(c) if isinstance(c, Figure) else c for h, c in row.items()}
                for row in table.rows
            ]
            for table in self.tables
        }
        report = {
            "format": f"rtwin-{self.name}-1",
            "experiment": dict(self.asked),
            "versions": provenance(),
            "tables": tables,
        }
        text = json.dumps(report, default=_plain)
        return dict(json.loads(text, parse_constant=lambda name: None))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(type(value).__name__)


def mean_rows(
    rows: Sequence[Mapping[str, Cell]], keys: Sequence[str], columns: Sequence[str]
) -> list[dict[str, Cell]]:
    """One row for each value of the keys: means over the rest, with their intervals.

    Args:
        rows: One for each seed.
        keys: Columns that stay as they are.
        columns: Columns of numbers.
    Returns:
        In the order in which the keys came first.
    Checked by tests/experiments/test_study_files.py.
    """
    groups: dict[tuple[Cell, ...], list[Mapping[str, Cell]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return [
        dict(zip(keys, group, strict=True))
        | {c: figure_of([float(row[c]) for row in own]) for c in columns}  # type: ignore[arg-type]
        for group, own in groups.items()
    ]


def check_study_folder(folder: Path, name: str) -> None:
    """Make sure before the work that a study can be written to a folder.

    Raises:
        StoreError: as of prepare_folder.
    """
    prepare_folder(folder, [f"{name}.md", f"{name}.json", f"{name}.h5"], f"{name}.json")


def write_study(results: StudyResults, folder: Path) -> list[Path]:
    """Write a study's files, each whole or not at all; files of an earlier run are replaced.

    Returns:
        The files.
    Raises:
        StoreError: if the folder holds files of these names that are no results, or cannot be
            written to.
        MissingExtraError: if there are pictures and matplotlib is not installed.
    Checked by tests/experiments/test_study_files.py.
    """
    check_study_folder(folder, results.name)
    texts = {f"{results.name}.json": json.dumps(results.report(), indent=1) + "\n"}
    texts[f"{results.name}.md"] = results.markdown()
    texts |= {f"{results.name}-{table.name}.csv": table.csv() for table in results.tables}
    files = []
    for name, text in texts.items():
        files.append(folder / name)
        with plain_errors(files[-1]):
            write_whole(files[-1], text.encode())
    files.append(folder / f"{results.name}.h5")
    _write_arrays(results, files[-1])
    for name, picture in results.pictures.items():
        files.append(save_figure(picture, folder / f"{results.name}-{name}.png"))
    return files


def _write_arrays(results: StudyResults, file: Path) -> None:
    versions = json.dumps(provenance(), sort_keys=True)
    arrays = results.arrays.assign_attrs(format=f"rtwin-{results.name}-1", versions=versions)
    with plain_errors(file), appearing(file) as temporary:
        arrays.to_netcdf(temporary, engine="h5netcdf")
