"""Commands that build a twin and keep it current: twin, rehearse, update."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from rtwin.cli.terminal import (
    Calibration,
    CellSize,
    DiscoveryRays,
    DryRun,
    Hands,
    MapHeight,
    Overwrite,
    SceneOfFile,
    Talking,
    human_bytes,
    not_believed,
    print_estimate,
    print_json,
    print_rows,
    quantity,
    shipped_scenes,
    stderr,
)

TwinArgument = Annotated[Path, Argument(metavar="TWIN", help="The folder of a twin.")]


def twin(
    talk: Talking,
    scene: Annotated[
        str,
        Argument(
            metavar="SCENE",
            help="A shipped scene, a .toml file, or with --at the folder of a twin.",
            autocompletion=shipped_scenes,
        ),
    ],
    output: Annotated[
        Path,
        Option("-o", "--output", metavar="NAME", help="Folder to make; with --at the map file."),
    ],
    hands: Hands,
    cell_size: CellSize = None,
    height: MapHeight = None,
    rays: DiscoveryRays = None,
    uncertainty: Annotated[
        float, Option(metavar="DB", help="Standard deviation against reality [dB].")
    ] = 6.0,
    calibration: Calibration = None,
    at: Annotated[
        int | None,
        Option(
            metavar="N", help="Write snapshot N of a twin as a radio map file; -1 is the newest."
        ),
    ] = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Build a twin that can be kept current: the map of a scene with the paths of every cell.

    A killed run resumes when called again.

    Example: rtwin twin street_canyon -o street.twin
    """
    from rtwin.horizontal import create_twin, history, write_snapshot_map
    from rtwin.scene import load_recipe

    if at is not None:
        write_snapshot_map(scene, output, at, overwrite=overwrite)
        print_rows([("file", output)])
        return
    recipe = load_recipe(scene, cell_size_m=cell_size, map_height_m=height, rays=rays)
    if dry_run:
        from rtwin.dataset.generation import estimate_map

        print_estimate(estimate_map(recipe, keeps_paths=True), talk.json)
        return
    if calibration is not None:
        from rtwin.calibration import calibrated_recipe

        recipe = calibrated_recipe(recipe, calibration)
    with talk.progress() as progress:
        made = create_twin(recipe, output, uncertainty_db=uncertainty, **hands, progress=progress)
    row = history(output)[-1]
    if talk.json:
        print_json(row)
        return
    if row["dark"]:
        stderr(f"note: {row['dark']}")
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
    talk: Talking,
    twin: TwinArgument,
    edit: Annotated[
        Path | None, Option("--edit", metavar="TOML", help="What changed; see docs/horizontal.md.")
    ] = None,
    measurements: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="New measurements: .csv or a campaign; see docs/horizontal_unknown.md.",
        ),
    ] = None,
    how: Annotated[
        str | None,
        Option(
            help="Force a way: library, partial or full with --edit; preserve, kriging, library, "
            "network or search with --measurements."
        ),
    ] = None,
    within: Annotated[
        str | None, Option(metavar="TIME", help="Most time that a way may take, like 0.1s or 2min.")
    ] = None,
    tolerance: Annotated[
        str, Option(metavar="DB", help="Error of an updated cell that is acceptable.")
    ] = "3dB",
    worlds: Annotated[int, Option(help="Worlds that a search tries; 0: kriging alone.")] = 100,
    offsets: Annotated[
        bool | None,
        Option(
            "--offsets/--no-offsets",
            help="Each transmitter and device has a level of its own; default with rss_dbm.",
        ),
    ] = None,
    network: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Weights by `rtwin horizontal train`; `--how network` alone takes rtwin's own.",
        ),
    ] = None,
    suggest: Annotated[
        Path | None,
        Option(metavar="TOML", help="Edits file to write with what most likely happened."),
    ] = None,
    scene: SceneOfFile = None,
    again: Annotated[
        bool, Option("--again", help="Apply once more what the newest snapshot is made of.")
    ] = False,
) -> None:
    """Bring a twin up to date: with known edits exactly, with measurements as they say.

    What was rehearsed is in the maps at once; with --how partial and no edit, its paths follow.

    Example: rtwin update street.twin --edit car_moved.toml
    """
    from rtwin.horizontal import (
        HOWS,
        measured_before,
        open_twin,
        update_measured,
        update_twin,
        write_suggestion,
    )

    if edit is not None and measurements is not None:
        raise typer.BadParameter("give --edit or --measurements, not both")
    if edit is None and measurements is None and how not in ("partial", "full"):
        raise typer.BadParameter("give --edit or --measurements, one of the two")
    if network is not None and measurements is None:
        raise typer.BadParameter("goes with --measurements", param_hint="--network")
    chosen = next((known for known in HOWS if known == how), None)
    if how is not None and chosen is None:
        raise typer.BadParameter(f"{how!r}: give {', '.join(HOWS)}", param_hint="--how")
    limits: dict[str, Any] = {
        "how": chosen,
        "within_s": quantity(within, {"s": 1, "ms": 1e-3, "min": 60, "": 1}, "--within"),
        "tolerance_db": quantity(tolerance, {"dB": 1, "": 1}, "--tolerance"),
        "scene": scene,
        "again": again,
    }
    before = open_twin(twin).number
    with talk.progress() as progress:
        if measurements is not None:
            known = None if again else measured_before(twin, measurements)
            made = (
                known
                or update_measured(
                    twin,
                    measurements,
                    offsets=offsets,
                    num_traces=worlds,
                    network=network,
                    progress=progress,
                    **limits,
                ).snapshot
            )
            if suggest is not None and made.more.get("explanations"):
                write_suggestion(made, suggest)
        else:
            made = update_twin(twin, edit, progress=progress, **limits)
    rows = _decisions(made)
    if talk.json:
        print_json(
            {
                "snapshot": made.number,
                "done_before": made.number == before,
                "news": made.news,
                "seconds": made.seconds,
                "full_s": made.full_s,
                "content_hash": made.content_hash,
                "transmitters": rows,
                "more": made.more,
            }
        )
        return
    print_rows([("snapshot", f"{made.number}: {made.news}")])
    if made.number == before:
        print_rows([("done before", "nothing was applied; --again applies it once more")])
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        typer.echo(
            f"{row['name']:<{width}}  {row['decision']:<9} {row['changed_cells']:>6} cells changed "
            f"{row['seconds']:>7.2f} s  {row['reason']}"
        )
    if "way" in made.more:
        print_rows([("way", str(made.more.get("why", made.more["way"])))])
    for guess in made.more.get("explanations", [])[:3]:
        print_rows([("perhaps", f"{guess['says']} ({100 * guess['weight']:.0f} %)")])
    for reason, count in made.more.get("set_aside", {}).items():
        print_rows([("set aside", f"{count} {reason}")])
    if "trust" in made.more:
        print_rows(not_believed(made.more["trust"]))
    print_rows([("time", f"{made.seconds:.1f} s, tracing everything took {made.full_s:.1f} s")])


def rehearse(
    talk: Talking,
    twin: TwinArgument,
    edits: Annotated[
        int | None, Option(metavar="N", help="Edits that the library is to have.")
    ] = None,
    seconds: Annotated[float | None, Option(metavar="S", help="Time to spend [s].")] = None,
    workers: Annotated[int, Option(help="Processes that simulate.")] = 1,
    memory: Annotated[
        float, Option(metavar="MB", help="Memory that the library may take.")
    ] = 512.0,
    seed: Annotated[int, Option(help="Of what is drawn at random.")] = 0,
    scene: SceneOfFile = None,
) -> None:
    """Simulate what could happen to a twin while it is idle, so that updates take milliseconds.

    A stopped run goes on where it was.

    Example: rtwin rehearse street.twin --edits 200
    """
    from rtwin.horizontal import rehearse as run

    if edits is None and seconds is None:
        raise typer.BadParameter("give --edits or --seconds")
    with talk.progress() as progress:
        made = run(
            twin,
            num_edits=edits,
            seconds=seconds,
            scene=scene,
            workers=workers,
            max_bytes=int(memory * 1e6),
            seed=seed,
            progress=progress,
        )
    kinds: dict[str, int] = {}
    for entry in made.entries:
        kinds[entry.hypothesis.kind] = kinds.get(entry.hypothesis.kind, 0) + 1
    facts = {
        "num_edits": len(made),
        "kinds": kinds,
        "num_impossible": made.num_impossible,
        "bytes": made.num_bytes,
        "seconds": sum(entry.seconds for entry in made.entries),
    }
    talk.tell(
        facts,
        [
            ("rehearsed", f"{len(made)} edits ({human_bytes(made.num_bytes)})"),
            ("kinds", ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))),
            ("impossible", f"{made.num_impossible} edits that were drawn cannot be"),
            ("time", f"{facts['seconds']:.1f} s of simulation"),
        ],
    )


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
