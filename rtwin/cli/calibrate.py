"""Commands of calibration."""

import time
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Option

from rtwin.cli.options import CampaignData, JsonFlag, Overwrite, Quiet
from rtwin.cli.report import not_believed, print_json, print_rows, progress_bar, stderr

HoldOut = Literal["blocks", "random", "transmitters"]


def calibrate(
    scene: Annotated[
        str, Argument(metavar="SCENE", help="A scene, or `-` for statistics without a map.")
    ],
    campaign: Annotated[
        str,
        Argument(
            metavar="CAMPAIGN", help="Shipped campaign, a folder with campaign.toml, or the file."
        ),
    ],
    output: Annotated[Path, Option("-o", "--output", metavar="RESULT", help="Folder to write.")],
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
    quiet: Quiet = False,
    json: JsonFlag = False,
) -> None:
    """Calibrate a twin with measurements; held-out error, intervals and maps in RESULT.

    Example: rtwin calibrate street_canyon canyon -o canyon-result
    """
    from rtwin.calibration import calibrate as run
    from rtwin.calibration import read_result

    start = time.perf_counter()
    with progress_bar(quiet or json) as progress:
        run(
            None if scene == "-" else scene,
            campaign,
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
    if json:
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
            ("time", f"{seconds:.1f} s"),
        ]
    )


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
