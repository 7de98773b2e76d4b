"""Commands of `rtwin experiment` on twins that many stations build, keep and protect."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Option

from rtwin.cli.studies.running import Processes, Work, decimals, study_command, whole_numbers
from rtwin.cli.terminal import OptionGroup
from rtwin.progress import Progress, count_of

if TYPE_CHECKING:
    from rtwin.experiments.study_files import StudyResults
    from rtwin.federation import Model, Traffic

READING = "Reading traffic"
Data = Annotated[
    Path | None,
    Option(
        metavar="FILE",
        help="Traffic of your own: .csv, FedDA's milano.h5, or the challenge's .txt "
        "[default: 25 cells of Milan over 30 days]",
    ),
]
Cells = Annotated[
    str | None, Option(metavar="N,...", help="Squares to take from it; default: all.")
]
Target = Annotated[
    Literal["internet", "sms", "call"],
    Option(metavar="NAME", help="internet, sms or call, where a file has several."),
]


@dataclass(frozen=True)
class _Source:
    data: Data = None
    cells: Cells = None
    target: Target = "internet"

    def load(self) -> "Traffic":
        from rtwin.federation import load_traffic

        cells = None if self.cells is None else whole_numbers("cells", self.cells)
        return load_traffic(self.data, cells, self.target)


TrafficSource = Annotated[_Source, OptionGroup.of(_Source)]
Forecaster = Annotated[
    Literal["linear", "lstm"],
    Option(
        "--model",
        metavar="NAME",
        help="linear, or lstm, which needs TensorFlow and ten times the time.",
    ),
]
Seeds = Annotated[int, Option(help="Starts and orders drawn.")]


@study_command(READING)
def traffic(
    source: TrafficSource,
    model: Forecaster = "linear",
    clusters: Annotated[int, Option(help="Clusters of stations.")] = 5,
    rounds: Annotated[int, Option(help="Rounds of building.")] = 30,
    seeds: Seeds = 3,
    history: Annotated[
        str, Option(metavar="DAYS,...", help="Days of own data of new cells; '' for none.")
    ] = "1,2,4,8,16,23",
    drifts: Annotated[
        str, Option(metavar="NAME,...", help="What changes in the week of upkeep.")
    ] = "none,closed cell,cells x1.5",
) -> Work:
    """Twins of stations that forecast traffic: built together, kept together, handed on.

    Example: rtwin experiment traffic -o traffic
    """
    from rtwin.federation import load_traffic
    from rtwin.federation.studies import (
        TrafficStudy,
        run_history,
        run_holidays,
        run_traffic,
        traffic_results,
    )
    from rtwin.federation.traffic import TWO_MONTHS

    study = TrafficStudy(
        clusters=clusters,
        rounds=rounds,
        seeds=seeds,
        history=whole_numbers("history", history),
        drifts=_names(drifts, ()),
    )

    def work(progress: Progress) -> "StudyResults":
        series = source.load()
        learner = _model(model)
        schemes, made = run_traffic(study, series, learner, count_of(progress, "schemes"))
        learned = run_history(study, series, learner, count_of(progress, "history"))
        # The weeks of the holidays are known of three cells alone.
        holidays = run_holidays(load_traffic(TWO_MONTHS)) if source.data is None else []
        return traffic_results(study, series, model, schemes, made, learned, holidays)

    return work


@study_command(READING)
def poisoning(
    source: TrafficSource,
    model: Forecaster = "linear",
    rules: Annotated[
        str | None, Option(metavar="NAME,...", help="Rules of aggregation; default: all.")
    ] = None,
    attacks: Annotated[
        str | None, Option(metavar="NAME,...", help="Attacks; default: all.")
    ] = None,
    fakes: Annotated[
        str, Option(metavar="SHARE,...", help="Shares of fakes among all participants.")
    ] = "0.2,0.4",
    rounds: Annotated[int, Option(help="Rounds of building.")] = 30,
    root_cells: Annotated[int, Option(help="Cells whose clean data the server has; 0: none.")] = 5,
    root_days: Annotated[int, Option(help="Days of these data.")] = 7,
    seeds: Seeds = 5,
) -> Work:
    """Liars among stations that learn together: every rule against every attack.

    Example: rtwin experiment poisoning -o poisoning
    """
    from rtwin.federation.defence import ATTACKS, RULES
    from rtwin.federation.studies import PoisoningStudy, poisoning_results, run_poisoning

    study = PoisoningStudy(
        rules=_names(rules, RULES),
        attacks=_names(attacks, ATTACKS),
        fakes=decimals("fakes", fakes),
        rounds=rounds,
        root_cells=root_cells,
        root_days=root_days,
        seeds=seeds,
    )

    def work(progress: Progress) -> "StudyResults":
        series, learner = source.load(), _model(model)
        outcomes = run_poisoning(study, series, learner, count_of(progress, "rounds"))
        return poisoning_results(study, model, outcomes)

    return work


@study_command(READING)
def trust(
    source: TrafficSource,
    seeds: Annotated[int, Option(help="Tamperings drawn.")] = 3,
) -> Work:
    """Tampered traffic: what is found and masked, and what a forecast from it loses.

    Example: rtwin experiment trust -o trust
    """
    from rtwin.federation.studies import run_trust, trust_results

    def work(progress: Progress) -> "StudyResults":
        series = source.load()
        found = run_trust(series, seeds, done=count_of(progress, "tamperings"))
        return trust_results(series, {"seeds": seeds, "target": source.target}, found)

    return work


@study_command(READING)
def privacy(
    source: TrafficSource,
    model: Forecaster = "linear",
    noise: Annotated[
        str, Option(metavar="SIGMA,...", help="Noise over the clipping norm.")
    ] = "0.5,1,2,4,8",
    clip: Annotated[float, Option(help="Norm to which updates are clipped.")] = 0.2,
    delta: Annotated[float, Option(help="Chance that the bound fails.")] = 1e-3,
    rounds: Annotated[int, Option(help="Rounds of building.")] = 30,
    seeds: Seeds = 5,
) -> Work:
    """What hiding updates costs: noise with its account, secure sums, fewer bits.

    Example: rtwin experiment privacy -o privacy
    """
    from rtwin.federation.studies import PrivacyStudy, privacy_results, run_privacy

    study = PrivacyStudy(
        sigmas=decimals("noise", noise), norm=clip, delta=delta, rounds=rounds, seeds=seeds
    )

    def work(progress: Progress) -> "StudyResults":
        series, learner = source.load(), _model(model)
        found = run_privacy(study, series, learner, count_of(progress, "runs"))
        return privacy_results(study, model, found)

    return work


@study_command()
def sites(
    points: Annotated[int, Option(help="Places that each site measures.")] = 150,
    names: Annotated[
        str | None, Option("--sites", metavar="NAME,...", help="Of the sites; default: all.")
    ] = None,
    starts: Annotated[int, Option(help="Places that each fit tries first.")] = 12,
    seed: Annotated[int, Option(help="Of truth, places and noise.")] = 1,
) -> Work:
    """Sites that calibrate materials together, against a truth that none of them sees alone.

    Example: rtwin experiment sites -o sites
    """
    from rtwin.federation.studies import SitesStudy, run_sites, sites_results

    study = SitesStudy(points=points, starts=starts, seed=seed)
    if names is not None:
        study = replace(study, sites=_names(names, ()))
    return lambda progress: sites_results(study, run_sites(study, progress))


@study_command()
def networks(
    data: Annotated[
        Path,
        Option(metavar="FOLDER", help="Folder of the traced cases; what is there is not redone."),
    ] = Path("rtwin-networks"),
    scenes: Annotated[int, Option(help="Scenes of each operator.")] = 2,
    edits: Annotated[int, Option(help="Rehearsed edits of each scene.")] = 16,
    truths: Annotated[int, Option(help="Changes of each scene.")] = 12,
    hidden: Annotated[
        int, Option(help="Edits of each scene's library that serve as changes besides.")
    ] = 60,
    rounds: Annotated[int, Option(help="Rounds in which weights are exchanged.")] = 6,
    epochs: Annotated[int, Option(help="Epochs of each operator in a round.")] = 2,
    rule: Annotated[str, Option(metavar="NAME", help="Rule of aggregation in rounds.")] = "mean",
    slowest: Annotated[
        float, Option(help="What the slowest operator needs over the quickest's time.")
    ] = 4.0,
    seeds: Annotated[int, Option(help="Scenes, starts and orders drawn.")] = 3,
    workers: Processes = 2,
) -> Work:
    """The network that renders updates, trained by operators alone, together, and centrally.

    Example: rtwin experiment networks -o networks
    """
    from rtwin.federation.studies import NetworksStudy, networks_results, run_networks

    study = NetworksStudy(
        scenes=scenes,
        edits=edits,
        truths=truths,
        hidden=hidden,
        rounds=rounds,
        epochs=epochs,
        rule=rule,
        slowest=slowest,
        seeds=seeds,
        workers=workers,
    )
    return lambda progress: networks_results(study, run_networks(study, data, progress))


def _model(name: str) -> "Model":
    from rtwin.federation import LinearModel, LstmModel
    from rtwin.federation.traffic import NUM_INPUTS

    return LstmModel() if name == "lstm" else LinearModel(NUM_INPUTS)


def _names(text: str | None, known: Iterable[str]) -> tuple[str, ...]:
    return tuple(known) if text is None else tuple(word.strip() for word in text.split(","))
