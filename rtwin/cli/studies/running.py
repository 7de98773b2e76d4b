"""What the commands of studies share: their options, how these are read, and how a study runs."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from rtwin.cli.terminal import (
    StudyFolder,
    Talk,
    Talking,
    pair,
    print_json,
    print_rows,
    with_parameters,
)
from rtwin.errors import OutOfRangeError
from rtwin.progress import Progress

if TYPE_CHECKING:
    from rtwin.experiments.study_files import StudyResults

Work = Callable[[Progress], "StudyResults"]
"""What a study does, once its options are read; it tells how far it is."""
StudyScene = Annotated[str, Option(help="A shipped scene, a folder or a .toml file.")]
Walkers = Annotated[int, Option(help="Users who walk.")]
Intervals = Annotated[int, Option(help="Intervals of a minute, two for warming included.")]
Ways = Annotated[Path | None, Option(metavar="GEOJSON", help="Ways to walk along.")]
FurtherTwins = Annotated[
    list[str] | None,
    Option(metavar="NAME=FILE", help="A further radio map to decide on; repeatable."),
]
Ages = Annotated[
    str,
    Option(
        metavar="NAME=S,...",
        help="When a --twin is there, after users set off [s]; until then the first one stands in.",
    ),
]
ReferenceMap = Annotated[
    Path | None, Option(metavar="FILE", help="A radio map that is the reference, for all seeds.")
]
MapRays = Annotated[int, Option(help="Rays per transmitter of every map.")]
Processes = Annotated[int, Option(help="Processes.")]


def study_command(
    first: str = "Loading scene",
) -> Callable[[Callable[..., Work]], Callable[..., None]]:
    """Make a study's command of a function that has its options and returns its work.

    The command also has the folder to write to, which is looked at before the work, and how to
    talk. Its name is that of the study and of the study's files.

    Args:
        first: What the bar says until the work tells something.
    """

    def command_of(function: Callable[..., Work]) -> Callable[..., None]:
        @wraps(function)
        def command(talk: Talk, output: Path, **values: Any) -> None:
            work = function(**values)
            from rtwin.experiments.study_files import check_study_folder, write_study

            check_study_folder(output, function.__name__)
            with talk.progress(first) as progress:
                results = work(progress)
            print_study(write_study(results, output), results.report, results.markdown, talk)

        return with_parameters(command, {"talk": Talking, "output": StudyFolder}, function)

    return command_of


def print_study(
    files: Sequence[Path], report: Callable[[], Any], markdown: Callable[[], str], talk: Talk
) -> None:
    """Print what a study found: its report as JSON, or its tables and the names of its files."""
    if talk.json:
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
