"""Commands of `rtwin horizontal`: train, benchmark."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option

from rtwin.cli.terminal import OptionGroup, Quiet, Talking, command_group, progress_bar

app = command_group("Train and benchmark the networks that keep a twin current.")


Folder = Annotated[
    Path,
    Option(
        "--data", metavar="FOLDER", help="Folder of the traced cases; what is there is not redone."
    ),
]
Maps = Annotated[
    list[str] | None,
    Option("--map", metavar="RECIPE", help="A scene of your own besides; may be repeated."),
]


@dataclass(frozen=True)
class _Cases:
    data: Folder = Path("rtwin-cases")
    maps: Maps = None
    scenes: Annotated[int | None, Option(help="The first so many scenes; by default all.")] = None
    edits: Annotated[int, Option(help="Rehearsed edits of each scene.")] = 224
    truths: Annotated[int, Option(help="Changes of each scene.")] = 14

    def keywords(self) -> dict[str, Any]:
        """What train_network and run_benchmark take besides the folder."""
        return {
            "maps": self.maps or (),
            "num_scenes": self.scenes,
            "num_edits": self.edits,
            "num_truths": self.truths,
        }


Cases = Annotated[_Cases, OptionGroup.of(_Cases)]
"""The traced cases that networks learn from or are compared on."""


@app.command()
def train(
    talk: Talking,
    output: Annotated[
        Path, Option("-o", "--output", metavar="FILE", help="File of weights, .npz.")
    ],
    cases: Cases,
    kind: Annotated[
        str,
        Option(help="cells; hypotheses, no messages; a baseline: attention, mlp, unet."),
    ] = "cells",
    epochs: Annotated[int, Option(help="Rounds over all cases, at most.")] = 24,
    seed: Annotated[int, Option(help="Of first weights, order and measurements.")] = 1,
) -> None:
    """Train a network that updates maps from rehearsed edits: trace its cases, learn, calibrate.

    A stopped run goes on where it was.

    Example: rtwin horizontal train -o mine.npz
    """
    from rtwin.horizontal.learned import train_network

    with talk.progress() as progress:
        told = train_network(
            output,
            cases.data,
            kind=kind,
            **cases.keywords(),
            epochs=epochs,
            seed=seed,
            progress=progress,
        )
    best = min(told["validation_loss"])
    talk.tell(
        told,
        [
            ("network", f"{output} ({told['kind']}, {told['parameters']} weights)"),
            ("examples", f"{told['num_examples']} of {told['num_scenes']} scenes"),
            ("epochs", len(told["train_loss"])),
            ("validation", f"{100 * best:.0f} % of the squared change is left"),
        ],
    )


@app.command()
def benchmark(
    cases: Cases,
    models: Annotated[
        Path | None,
        Option(
            metavar="FOLDER",
            help="Networks of your own, KIND.npz each, beside or instead of rtwin's.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Compare every way to correct a twin for unknown change on held-out scenes.

    The cases are traced first; a stopped run goes on where it was.

    Example: rtwin horizontal benchmark
    """
    from rtwin.horizontal.learned import report_lines, run_benchmark

    with progress_bar(quiet) as progress:
        result = run_benchmark(
            cases.data,
            **cases.keywords(),
            models=models,
            progress=progress,
        )
    for line in report_lines(result):
        typer.echo(line)
