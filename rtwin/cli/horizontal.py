"""Commands of `rtwin horizontal`: train, benchmark."""

from pathlib import Path
from typing import Annotated

import typer

from rtwin.cli.options import JsonFlag, Quiet
from rtwin.cli.report import print_json, print_rows, progress_bar

app = typer.Typer(
    help="Train and benchmark the networks that keep a twin current.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Folder = Annotated[
    Path,
    typer.Option(
        "--data", metavar="FOLDER", help="Folder of the traced pairs; what is there is not redone."
    ),
]


@app.command()
def train(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="File of weights, .npz.")
    ],
    task: Annotated[
        str, typer.Option(help="unknown (few measurements) or known (an edit).")
    ] = "unknown",
    kind: Annotated[str, typer.Option(help="gnn, the baselines mlp and unet, or encoder.")] = "gnn",
    data: Folder = Path("rtwin-pairs"),
    scenes: Annotated[int, typer.Option(help="Scenes that are learned from.")] = 60,
    epochs: Annotated[int, typer.Option(help="Rounds over all pairs, at most.")] = 10,
    pairs: Annotated[
        int | None, typer.Option(help="Edits of each scene; by default those of the recipe.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of first weights, order and measurements.")] = 1,
    quiet: Quiet = False,
    json: JsonFlag = False,
) -> None:
    """Train a network from scratch: trace its pairs, learn, calibrate, write the weights.

    A stopped run goes on where it was.

    Example: rtwin horizontal train -o mine.npz
    """
    from rtwin.horizontal.learned.network.recipe import train_predictor

    with progress_bar(quiet or json) as progress:
        told = train_predictor(
            output,
            data,
            task=task,
            kind=kind,
            num_scenes=scenes,
            epochs=epochs,
            pairs_per_scene=pairs,
            seed=seed,
            progress=progress,
        )
    if json:
        print_json(told)
        return
    print_rows(
        [
            ("network", f"{output} ({told['kind']}, {told['task']})"),
            ("pairs", f"{told['num_pairs']} of {told['num_scenes']} scenes"),
            ("data hash", told["data_hash"]),
            ("epochs", told["epochs"]),
            ("threshold", f"{told['threshold']:.2f}"),
        ]
    )


@app.command()
def benchmark(
    data: Folder = Path("rtwin-benchmark"),
    scenes: Annotated[
        int | None, typer.Option(help="The first so many held-out scenes; by default all.")
    ] = None,
    pairs: Annotated[int, typer.Option(help="Edits of each scene.")] = 5,
    share: Annotated[
        float, typer.Option(help="Share of the cells measured, for unknown change.")
    ] = 0.01,
    plots: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Draw the frontier and maps of one pair.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Compare every way to keep a twin current on held-out scenes, and print the tables.

    The pairs are traced first; a stopped run goes on where it was.

    Example: rtwin horizontal benchmark
    """
    from rtwin.horizontal.learned.benchmark.run import report_lines, run_benchmark

    with progress_bar(quiet) as progress:
        result = run_benchmark(
            data, num_scenes=scenes, pairs_per_scene=pairs, share=share, progress=progress
        )
    for line in report_lines(result):
        typer.echo(line)
    if plots is not None:
        from rtwin.horizontal.learned.benchmark.pictures import benchmark_pictures

        for file in benchmark_pictures(result, data, plots):
            typer.echo(f"wrote {file}")
