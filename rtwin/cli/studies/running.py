"""What the commands of studies share: their options, how these are read, and how a study runs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from rtwin.cli.options import pair
from rtwin.cli.report import print_json, print_rows, progress_bar
from rtwin.errors import OutOfRangeError
from rtwin.progress import Progress

if TYPE_CHECKING:
    from rtwin.experiments.study_files import StudyResults

StudyScene = Annotated[str, Option(help="A shipped scene, a folder or a .toml file.")]
Walkers = Annotated[int, Option(help="Users who walk.")]
Intervals = Annotated[int, Option(help="Intervals of a minute, two for warming included.")]
Ways = Annotated[Path | None, Option(metavar="GEOJSON", help="Ways to walk along.")]
FurtherTwins = Annotated[
    list[str] | None,
    Option(metavar="NAME=FILE", help="A further radio map to decide on; repeatable."),
]
ReferenceMap = Annotated[
    Path | None, Option(metavar="FILE", help="A radio map that is the reference, for all seeds.")
]
MapRays = Annotated[int, Option(help="Rays per transmitter of every map.")]
Processes = Annotated[int, Option(help="Processes.")]


def run_study(
    name: str,
    folder: Path,
    work: Callable[[Progress], "StudyResults"],
    *,
    quiet: bool,
    json: bool,
    first: str = "Loading scene",
) -> None:
    """Do a study's work, write its files and print its tables.

    Args:
        name: Of the study and its files.
        folder: Where to; looked at before the work.
        work: The study, which tells how far it is.
        quiet: No progress bar.
        json: Print JSON instead of tables, and no progress bar.
        first: What the bar says until the work tells something.
    """
    from rtwin.experiments.study_files import check_study_folder, write_study

    check_study_folder(folder, name)
    with progress_bar(quiet or json, first) as progress:
        results = work(progress)
    print_study(write_study(results, folder), results.report, results.markdown, json)


def print_study(
    files: Sequence[Path], report: Callable[[], Any], markdown: Callable[[], str], json: bool
) -> None:
    """Print what a study found: its report as JSON, or its tables and the names of its files."""
    if json:
        print_json(report())
        return
    typer.echo(markdown())
    print_rows([("files", ", ".join(str(file) for file in files))])


def twins_of(texts: Sequence[str] | None) -> dict[str, Path]:
    """Radio maps by name, from NAME=FILE."""
    return {name: Path(file) for name, file in (pair("twin", text) for text in texts or ())}


def decimals(option: str, text: str) -> tuple[float, ...]:
    """Numbers of an option that has them with commas between."""
    try:
        return tuple(float(word) for word in text.split(",") if word.strip())
    except ValueError:
        raise OutOfRangeError(f"--{option} is {text!r}; write numbers with commas") from None


def whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """Whole numbers above 0 of an option that has them with commas between."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise OutOfRangeError(f"--{option} is {text!r}; write whole numbers above 0 with commas")
    return tuple(int(word) for word in words)
