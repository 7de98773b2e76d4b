"""Commands that keep a twin current: twin, update."""

from pathlib import Path
from typing import Annotated, Any

import typer

from rtwin.cli.report import (
    JsonFlag,
    human_bytes,
    print_json,
    print_rows,
    progress_bar,
)

TwinArgument = Annotated[Path, typer.Argument(metavar="TWIN", help="The folder of a twin.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]


def twin(
    scene: Annotated[
        str,
        typer.Argument(
            metavar="SCENE",
            help="A shipped scene, a .toml file, or with --at the folder of a twin.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="NAME", help="Folder to make; with --at the map file."
        ),
    ],
    cell_size: Annotated[float | None, typer.Option(metavar="M", help="Cell size [m].")] = None,
    height: Annotated[
        float | None, typer.Option(metavar="M", help="Height above the ground [m].")
    ] = None,
    rays: Annotated[int | None, typer.Option(help="Rays per transmitter that find chains.")] = None,
    uncertainty: Annotated[
        float, typer.Option(metavar="DB", help="Standard deviation against reality [dB].")
    ] = 6.0,
    calibration: Annotated[
        Path | None,
        typer.Option(metavar="RESULT", help="Result of a calibration: its fitted materials."),
    ] = None,
    at: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Write snapshot N of a twin as a radio map file; -1 is the newest."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --at, replace a file of other content.")
    ] = False,
    quiet: Quiet = False,
    json: JsonFlag = False,
) -> None:
    """Build a twin that can be kept current: the map of a scene with the paths of every cell.

    Example: rtwin twin munich -o munich.twin
    """
    from rtwin.horizontal import create_twin, history, write_snapshot_map
    from rtwin.scene import load_recipe

    if at is not None:
        write_snapshot_map(scene, output, at, overwrite=overwrite)
        print_rows([("file", output)])
        return
    recipe = load_recipe(scene, cell_size_m=cell_size, map_height_m=height, rays=rays)
    if calibration is not None:
        from rtwin.calibration import calibrated_recipe

        recipe = calibrated_recipe(recipe, calibration)
    with progress_bar(quiet or json) as progress:
        made = create_twin(recipe, output, uncertainty_db=uncertainty, progress=progress)
    row = history(output)[-1]
    if json:
        print_json(row)
        return
    cells = made.is_inside.shape
    print_rows(
        [
            ("twin", f"{output} ({human_bytes(row['bytes'])})"),
            ("cells", f"{cells[0]} x {cells[1]}, {len(made.radio_map.tx_name)} transmitters"),
            ("content hash", made.content_hash),
            ("time", f"{made.seconds:.1f} s"),
        ]
    )


def update(
    twin: TwinArgument,
    edit: Annotated[
        Path,
        typer.Option("--edit", metavar="TOML", help="What changed; see docs/horizontal.md."),
    ],
    scene: Annotated[
        str | None, typer.Option(help="The recipe, where its geometry is in files of its own.")
    ] = None,
    quiet: Quiet = False,
    json: JsonFlag = False,
) -> None:
    """Bring a twin up to date with known edits: trace again only what they can have changed.

    Example: rtwin update munich.twin --edit edits.toml
    """
    from rtwin.horizontal import update_twin

    with progress_bar(quiet or json) as progress:
        made = update_twin(twin, edit, scene=scene, progress=progress)
    rows = _decisions(made)
    if json:
        print_json({"snapshot": made.number, "news": made.news, "seconds": made.seconds,
                    "full_s": made.full_s, "content_hash": made.content_hash,
                    "transmitters": rows})  # fmt: skip
        return
    print_rows([("snapshot", f"{made.number}: {made.news}")])
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        typer.echo(
            f"{row['name']:<{width}}  {row['decision']:<9} {row['changed_cells']:>6} cells changed "
            f"{row['seconds']:>7.2f} s  {row['reason']}"
        )
    print_rows([("time", f"{made.seconds:.1f} s, tracing everything took {made.full_s:.1f} s")])


def _decisions(made: Any) -> list[dict[str, Any]]:
    from rtwin.horizontal import DECISIONS

    changed = made.more.get("changed_cells", {})
    return [
        {
            "name": name,
            "decision": DECISIONS[made.tx_decision[tx]],
            "reason": made.tx_reason[tx],
            "changed_cells": changed.get(name, 0),
            "seconds": float(made.tx_seconds[tx]),
        }
        for tx, name in enumerate(made.radio_map.tx_name)
    ]
