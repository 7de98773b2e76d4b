"""Commands of `rtwin experiment` on twins of users: streaming, viewport, userdata."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from rtwin.cli.options import JsonFlag, Quiet, StudyFolder, pair
from rtwin.cli.report import finish_study, progress_bar
from rtwin.errors import OutOfRangeError


def streaming(
    output: StudyFolder,
    scene: Annotated[
        str, typer.Option(help="A shipped scene, a folder or a .toml file.")
    ] = "courtyard",
    seeds: Annotated[int, typer.Option(help="Reference worlds, walks and crowds drawn.")] = 10,
    users: Annotated[int, typer.Option(help="Users who walk.")] = 60,
    intervals: Annotated[
        int, typer.Option(help="Intervals of a minute, two for warming included.")
    ] = 8,
    price: Annotated[
        float, typer.Option(metavar="LAMBDA", help="Price of all blocks in the utility.")
    ] = 0.25,
    prices: Annotated[
        str, typer.Option(metavar="LAMBDA,...", help="Further prices, for the frontier.")
    ] = "0.1,0.4,0.6,1",
    reservation: Annotated[
        Literal["exact", "convex"],
        typer.Option(metavar="NAME", help="exact, or convex; the article's scheme has convex."),
    ] = "exact",
    interference: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the other station's power that comes.")
    ] = 0.1,
    swipes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Swipe data of your own, .npz or .csv."),
    ] = None,
    twin: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="A further radio map to decide on; repeatable."),
    ] = None,
    ways: Annotated[
        Path | None, typer.Option(metavar="GEOJSON", help="Ways to walk along.")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A radio map that is the reference, for all seeds."),
    ] = None,
    map_rays: Annotated[int, typer.Option(help="Rays per transmitter of every map.")] = 200_000,
    workers: Annotated[int, typer.Option(help="Processes.")] = 2,
    quiet: Quiet = False,
    json: JsonFlag = False,
) -> None:
    """Multicast short video on twins of users, stations and slices: schemes, and what twins give.

    Example: rtwin experiment streaming -o streaming
    """
    from rtwin.experiments.study_files import check_study_folder
    from rtwin.streaming.study import StreamingStudy, run_streaming, streaming_results

    study = StreamingStudy(
        scene=scene,
        seeds=seeds,
        users=users,
        intervals=intervals,
        price=price,
        other_prices=_numbers("prices", prices),
        reservation=reservation,
        interference=interference,
        swipes=swipes,
        twins={k: Path(v) for k, v in (pair("twin", text) for text in twin or ())},
        ways=ways,
        reference=reference,
        map_rays=map_rays,
        workers=workers,
    )
    check_study_folder(output, "streaming")
    with progress_bar(quiet or json) as progress:
        found = run_streaming(study, progress)
    finish_study(streaming_results(found), output, json)


def viewport(
    output: StudyFolder,
    heads: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Head directions of your own, .npz."),
    ] = None,
    folds: Annotated[int, typer.Option(help="Parts of the people; each is held out once.")] = 4,
    horizons: Annotated[
        str, typer.Option(metavar="S,...", help="How far ahead to say where heads point [s].")
    ] = "0.2,0.5,1,2,5",
    shares: Annotated[
        str, typer.Option(metavar="SHARE,...", help="Of the mass expected to be seen, to send.")
    ] = "0.9,0.99",
    quiet: Quiet = False,
    json: JsonFlag = False,
) -> None:
    """Regions of interest: where heads will point, and which tiles of a sphere to send.

    Example: rtwin experiment viewport -o viewport
    """
    from rtwin.experiments.study_files import check_study_folder
    from rtwin.streaming.viewport import ViewportStudy, run_viewport, viewport_results

    study = ViewportStudy(
        heads=heads,
        folds=folds,
        horizons_s=_numbers("horizons", horizons),
        shares=_numbers("shares", shares),
    )
    check_study_folder(output, "viewport")
    with progress_bar(quiet or json) as progress:
        found = run_viewport(study, progress)
    finish_study(viewport_results(found), output, json)


def userdata(
    output: StudyFolder,
    scene: Annotated[
        str, typer.Option(help="A shipped scene, a folder or a .toml file.")
    ] = "courtyard",
    seeds: Annotated[int, typer.Option(help="Worlds, walks and crowds drawn.")] = 3,
    users: Annotated[int, typer.Option(help="Users who walk.")] = 60,
    intervals: Annotated[
        int, typer.Option(help="Intervals of a minute, two for warming included.")
    ] = 8,
    drives: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Drives with a phone: archive or folder of CSV files."),
    ] = None,
    epsilons: Annotated[
        str, typer.Option(metavar="EPSILON,...", help="Of each like, for the curve of privacy.")
    ] = "0.1,0.3,1,3,10",
    moves: Annotated[
        str, typer.Option(metavar="M,...", help="Mean distances by which places are moved [m].")
    ] = "5,10,20,40",
    map_rays: Annotated[int, typer.Option(help="Rays per transmitter of every map.")] = 200_000,
    quiet: Quiet = False,
    json: JsonFlag = False,
) -> None:
    """Twins of users that are told less: importance, reports, codes, updates, privacy.

    Example: rtwin experiment userdata -o userdata
    """
    from rtwin.experiments.study_files import check_study_folder
    from rtwin.streaming.userdata import UserDataStudy, run_userdata, userdata_results

    study = UserDataStudy(
        scene=scene,
        seeds=seeds,
        users=users,
        intervals=intervals,
        drives=drives,
        epsilons=_numbers("epsilons", epsilons),
        moves_m=_numbers("moves", moves),
        map_rays=map_rays,
    )
    check_study_folder(output, "userdata")
    with progress_bar(quiet or json) as progress:
        found = run_userdata(study, progress)
    finish_study(userdata_results(found), output, json)


def _numbers(option: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split(",") if word.strip())
    except ValueError:
        raise OutOfRangeError(f"--{option} is {text!r}; write numbers with commas") from None
