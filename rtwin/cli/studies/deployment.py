"""Commands of `rtwin experiment` on what quality means, and on the upkeep of many twins."""

from typing import TYPE_CHECKING, Annotated

from typer import Option

from rtwin.cli.studies.running import MapRays, StudyScene, Work, study_command
from rtwin.progress import Progress, count_of

if TYPE_CHECKING:
    from rtwin.experiments.study_files import StudyResults


@study_command("Running policies")
def deployment(
    regions: Annotated[int, Option(help="Twins that share the budget.")] = 10,
    budget: Annotated[int, Option(help="Units in a slot.")] = 6,
    update_units: Annotated[int, Option(help="Units of an update.")] = 1,
    rebuild_units: Annotated[int, Option(help="Units of a rebuild.")] = 4,
    runs: Annotated[int, Option(help="Runs of each policy.")] = 30,
    slots: Annotated[int, Option(help="Slots of a run.")] = 120,
    seed: Annotated[int, Option(help="Of regions and drift.")] = 0,
    ppo: Annotated[
        int, Option(help="Slots that policies learn from by PPO (extra rl); 0: none are learned.")
    ] = 0,
) -> Work:
    """Twins that drift share a budget: which to update, which to rebuild, against a bound.

    Example: rtwin experiment deployment -o deployment
    """
    from rtwin.deployment import DeploymentStudy, deployment_results, run_deployment

    study = DeploymentStudy(
        regions=regions,
        budget=budget,
        update_units=update_units,
        rebuild_units=rebuild_units,
        runs=runs,
        slots=slots,
        seed=seed,
        ppo_steps=ppo,
    )

    def work(progress: Progress) -> "StudyResults":
        return deployment_results(study, run_deployment(study, count_of(progress, "policies")))

    return work


@study_command()
def quality(
    scenes: Annotated[str, Option(metavar="NAME,...", help="Scenes of the worlds.")] = (
        "courtyard,street_canyon"
    ),
    seeds: Annotated[int, Option(help="Worlds of each scene.")] = 8,
    twins: Annotated[int, Option(help="Twins of each world.")] = 24,
    duration: Annotated[float, Option(metavar="S", help="How long slices are served.")] = 20.0,
    intervals: Annotated[int, Option(help="Intervals of the streaming loop, 2 to warm up.")] = 6,
    map_rays: MapRays = 50_000,
) -> Work:
    """What decisions on a twin are worth by its quality: utilities fitted, and held out.

    Example: rtwin experiment quality -o quality
    """
    from rtwin.deployment.worth import WorthStudy, run_worth, worth_results

    study = WorthStudy(
        scenes=tuple(name.strip() for name in scenes.split(",") if name.strip()),
        seeds=seeds,
        twins=twins,
        duration_s=duration,
        intervals=intervals,
        map_rays=map_rays,
    )
    return lambda progress: worth_results(study, run_worth(study, progress))


@study_command()
def tiles(
    scene: StudyScene = "courtyard",
    side: Annotated[float, Option(metavar="M", help="Side of a tile, two by two of them.")] = 40.0,
    cell_size: Annotated[float, Option(metavar="M", help="Of the tiles' maps.")] = 3.0,
    slots: Annotated[int, Option(help="Slots of the stream.")] = 24,
    budget: Annotated[
        float, Option(help="For all tiles in a slot, in full traces of one tile.")
    ] = 0.6,
    edits: Annotated[float, Option(help="Built in a slot in the busiest tile, on average.")] = 0.15,
    residual: Annotated[float, Option(metavar="DB", help="What rays do not explain [dB].")] = 5.0,
    runs: Annotated[int, Option(help="Runs of the stream.")] = 6,
    served: Annotated[int, Option(help="Every so many slots slices are served.")] = 3,
    seed: Annotated[int, Option(help="Of all that is drawn.")] = 0,
) -> Work:
    """Real twins of a city's tiles, edits and reports: what policies make of the same seconds.

    Example: rtwin experiment tiles -o tiles
    """
    from rtwin.deployment.tiles import TileStudy, run_tiles, tile_results

    study = TileStudy(
        scene=scene,
        side_m=side,
        cell_size_m=cell_size,
        slots=slots,
        budget=budget,
        edits=edits,
        residual_db=residual,
        runs=runs,
        served=served,
        seed=seed,
    )
    return lambda progress: tile_results(run_tiles(study, progress))
