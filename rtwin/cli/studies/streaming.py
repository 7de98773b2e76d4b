"""Commands of `rtwin experiment` on twins of users: streaming, viewport, userdata."""

from pathlib import Path
from typing import Annotated, Literal

from typer import Option

from rtwin.cli.studies.running import (
    Ages,
    FurtherTwins,
    Intervals,
    MapRays,
    Processes,
    ReferenceMap,
    StudyScene,
    Walkers,
    Ways,
    Work,
    decimals,
    study_command,
    twins_of,
)
from rtwin.cli.terminal import numbers


@study_command()
def streaming(
    scene: StudyScene = "courtyard",
    seeds: Annotated[int, Option(help="Reference worlds, walks and crowds drawn.")] = 10,
    users: Walkers = 60,
    intervals: Intervals = 8,
    price: Annotated[
        float, Option(metavar="LAMBDA", help="Price of all blocks in the utility.")
    ] = 0.25,
    prices: Annotated[
        str, Option(metavar="LAMBDA,...", help="Further prices, for the frontier.")
    ] = "0.1,0.4,0.6,1",
    reservation: Annotated[
        Literal["exact", "convex"],
        Option(metavar="NAME", help="exact, or convex; the article's scheme has convex."),
    ] = "exact",
    interference: Annotated[
        float, Option(metavar="SHARE", help="Share of the other station's power that comes.")
    ] = 0.1,
    swipes: Annotated[
        Path | None,
        Option(metavar="FILE", help="Swipe data of your own, .npz or .csv."),
    ] = None,
    twin: FurtherTwins = None,
    age: Ages = "",
    ways: Ways = None,
    reference: ReferenceMap = None,
    map_rays: MapRays = 200_000,
    workers: Processes = 2,
) -> Work:
    """Multicast short video on twins of users, stations and slices: schemes, and what twins give.

    Example: rtwin experiment streaming -o streaming
    """
    from rtwin.streaming.study import StreamingStudy, run_streaming, streaming_results

    study = StreamingStudy(
        scene=scene,
        seeds=seeds,
        users=users,
        intervals=intervals,
        price=price,
        other_prices=decimals("prices", prices),
        reservation=reservation,
        interference=interference,
        swipes=swipes,
        twins=twins_of(twin),
        ages_s=numbers("age", age),
        ways=ways,
        reference=reference,
        map_rays=map_rays,
        workers=workers,
    )
    return lambda progress: streaming_results(run_streaming(study, progress))


@study_command()
def viewport(
    heads: Annotated[
        Path | None,
        Option(metavar="FILE", help="Head directions of your own, .npz."),
    ] = None,
    folds: Annotated[int, Option(help="Parts of the people; each is held out once.")] = 4,
    horizons: Annotated[
        str, Option(metavar="S,...", help="How far ahead to say where heads point [s].")
    ] = "0.2,0.5,1,2,5",
    shares: Annotated[
        str, Option(metavar="SHARE,...", help="Of the mass expected to be seen, to send.")
    ] = "0.9,0.99",
) -> Work:
    """Regions of interest: where heads will point, and which tiles of a sphere to send.

    Example: rtwin experiment viewport -o viewport
    """
    from rtwin.streaming.viewport import ViewportStudy, run_viewport, viewport_results

    study = ViewportStudy(
        heads=heads,
        folds=folds,
        horizons_s=decimals("horizons", horizons),
        shares=decimals("shares", shares),
    )
    return lambda progress: viewport_results(run_viewport(study, progress))


@study_command()
def userdata(
    scene: StudyScene = "courtyard",
    seeds: Annotated[int, Option(help="Worlds, walks and crowds drawn.")] = 3,
    users: Walkers = 60,
    intervals: Intervals = 8,
    drives: Annotated[
        Path | None,
        Option(metavar="FILE", help="Drives with a phone: archive or folder of CSV files."),
    ] = None,
    epsilons: Annotated[
        str, Option(metavar="EPSILON,...", help="Of each like, for the curve of privacy.")
    ] = "0.1,0.3,1,3,10",
    moves: Annotated[
        str, Option(metavar="M,...", help="Mean distances by which places are moved [m].")
    ] = "5,10,20,40",
    map_rays: MapRays = 200_000,
) -> Work:
    """Twins of users that are told less: importance, reports, codes, updates, privacy.

    Example: rtwin experiment userdata -o userdata
    """
    from rtwin.streaming.userdata import UserDataStudy, run_userdata, userdata_results

    study = UserDataStudy(
        scene=scene,
        seeds=seeds,
        users=users,
        intervals=intervals,
        drives=drives,
        epsilons=decimals("epsilons", epsilons),
        moves_m=decimals("moves", moves),
        map_rays=map_rays,
    )
    return lambda progress: userdata_results(run_userdata(study, progress))
