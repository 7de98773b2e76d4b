"""The command of `rtwin experiment` on the upkeep of many twins."""

from typing import TYPE_CHECKING, Annotated

from typer import Option

from rtwin.cli.studies.running import Work, study_command
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
    )

    def work(progress: Progress) -> "StudyResults":
        return deployment_results(study, run_deployment(study, count_of(progress, "policies")))

    return work
