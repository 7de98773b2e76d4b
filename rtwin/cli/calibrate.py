"""Commands of calibration."""

import time
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Option

from rtwin.cli.terminal import (
    CampaignData,
    JsonFlag,
    Overwrite,
    Talking,
    not_believed,
    pair,
    print_json,
    print_rows,
    shipped_scenes,
    stderr,
)
from rtwin.errors import OutOfRangeError

HoldOut = Literal["blocks", "random", "transmitters"]


def calibrate(
    talk: Talking,
    scene: Annotated[
        str,
        Argument(
            metavar="SCENE",
            help="A scene, or `-` for statistics without a map.",
            autocompletion=shipped_scenes,
        ),
    ],
    campaign: Annotated[
        str,
        Argument(
            metavar="CAMPAIGN",
            help="A table of levels (.csv, .parquet, .h5), a campaign.toml or its folder, or a "
            "shipped campaign.",
        ),
    ],
    output: Annotated[Path, Option("-o", "--output", metavar="RESULT", help="Folder to write.")],
    value: Annotated[
        str | None, Option(metavar="COLUMN", help="Of a table: the column of levels.")
    ] = None,
    quantity: Annotated[
        str | None,
        Option(help="What it holds: rss_dbm, path_loss_db, path_gain_db or rms_delay_spread_s."),
    ] = None,
    tx: Annotated[
        str | None, Option(metavar="COLUMN", help="Of a table: whose level it is, cell or name.")
    ] = None,
    cells: Annotated[
        str | None,
        Option(
            metavar="CELL=NAME,...",
            help="Which of the scene's transmitters the cells of that column are.",
        ),
    ] = None,
    device: Annotated[
        str | None, Option(metavar="COLUMN", help="Of a table: which device measured.")
    ] = None,
    noise_floor: Annotated[
        float | None, Option(metavar="DBM", help="Of a table: nothing was heard at this level.")
    ] = None,
    data: CampaignData = None,
    points: Annotated[
        int | None, Option(help="Points per transmitter that validation learns from.")
    ] = None,
    repeats: Annotated[int | None, Option(help="Draws of held-out blocks.")] = None,
    curve: Annotated[bool, Option("--curve/--no-curve", help="Make the learning curve.")] = True,
    scene_curve: Annotated[
        bool, Option("--scene-curve", help="Fit the scene in the learning curve, too.")
    ] = False,
    hold_out: Annotated[
        HoldOut,
        Option(
            metavar="WHAT",
            help="What validation holds out: blocks, random places, or transmitters in turn.",
        ),
    ] = "blocks",
    overwrite: Overwrite = False,
) -> None:
    """Calibrate a twin with measurements; held-out error, intervals and maps in RESULT.

    A table alone is enough where the scene has the transmitters: the campaign that is made of it
    is printed, and lies in RESULT as campaign.toml.

    Example: rtwin calibrate street_canyon canyon -o canyon-result
    """
    from rtwin.calibration import calibrate as run
    from rtwin.calibration import read_result

    columns = {
        "value": value,
        "quantity": quantity,
        "tx": tx,
        "cells": None if cells is None else dict(pair("cells", p) for p in cells.split(",")),
        "device": device,
        "noise_floor": noise_floor,
    }
    plan = _of_table(scene, campaign, data, {k: v for k, v in columns.items() if v is not None})
    start = time.perf_counter()
    with talk.progress() as progress:
        run(
            None if scene == "-" else scene,
            campaign if plan is None else plan,
            output,
            data=data,
            points=points,
            repeats=repeats,
            curve=curve,
            scene_curve=scene_curve,
            held_out=hold_out,
            overwrite=overwrite,
            progress=progress,
        )
    result = read_result(output)
    seconds = round(time.perf_counter() - start, 1)
    if talk.json:
        print_json({k: v for k, v in result.items() if k != "twin"} | {"seconds": seconds})
        return
    for line in result["warnings"]:
        stderr(f"warning: {line}")
    validation = result["validation"]
    aside = ", ".join(f"{n} {why}" for why, n in result["set_aside"].items())
    print_rows(
        [
            ("rows", f"{result['rows']} from {result['raw_rows']} measurements"),
            ("set aside", aside or "none"),
            *not_believed(result["trust"]),
            *(
                (score["model"], f"{score['rmse_db']:.2f} dB held-out RMSE{_draws(score)}")
                for score in validation["scores"]
            ),
            ("coverage", f"{100 * validation['coverage_of_90_percent']:.0f} % of 90 % intervals"),
            ("report", output / "report.html"),
            ("campaign", output / "campaign.toml"),
            ("time", f"{seconds:.1f} s"),
        ]
    )


def _of_table(scene: str, campaign: str, data: Path | None, columns: dict[str, Any]) -> Any:
    """The campaign of a table, printed; None where there is a campaign file already."""
    from rtwin.calibration import campaign_toml, drive_campaign, is_table
    from rtwin.scene import load_recipe

    if not is_table(campaign):
        if columns:
            flag = f"--{next(iter(columns)).replace('_', '-')}"
            raise OutOfRangeError(
                f"{flag} is about a table, {campaign} is none; write it into the campaign file"
            )
        return None
    if scene == "-":
        return None  # which says why a scene is needed
    plan, notes = drive_campaign(load_recipe(scene), (data or Path()) / campaign, **columns)
    stderr(campaign_toml(plan))
    for note in notes:
        stderr(f"note: {note}")
    return plan


def _draws(score: dict[str, Any]) -> str:
    """What each draw of held-out rows gave, where there are several."""
    each = score["draws_db"]
    return f" ({', '.join(f'{value:.2f}' for value in each)})" if len(each) > 1 else ""


def align(
    dataset: Annotated[Path, Argument(metavar="DATASET", help="Dataset of paths.")],
    measured: Annotated[
        Path,
        Argument(metavar="MEASURED", help="Table with columns path_gain_db, ... , or a dataset."),
    ],
    output: Annotated[
        Path, Option("-o", "--output", metavar="JSON", help="Report and weights to write.")
    ],
    method: Annotated[
        Literal["quantile", "importance"],
        Option(
            metavar="METHOD", help="quantile: shares of bins; importance: ratio of joint densities."
        ),
    ] = "quantile",
    free_offset: Annotated[
        bool, Option("--free-offset", help="Levels were measured: medians are matched first.")
    ] = False,
    overwrite: Overwrite = False,
    json: JsonFlag = False,
) -> None:
    """Weight the links of a dataset so that its distributions are those measured.

    Example: rtwin align canyon.h5 canyon-calibrated.h5 -o aligned.json
    """
    from rtwin.calibration import align as run

    report = run(
        dataset,
        measured,
        output,
        method=method,
        offset_db=None if free_offset else 0.0,
        overwrite=overwrite,
    )
    if json:
        print_json({k: v for k, v in report.items() if k != "weight"})
        return
    print_rows(
        [
            ("links", f"{report['links']}, worth {report['effective_links']:.0f} of equal weight"),
            *(
                (name, f"KS distance {row['ks_before']:.3f} before, {row['ks_after']:.3f} after")
                for name, row in report["quantities"].items()
            ),
            ("report", output),
        ]
    )
