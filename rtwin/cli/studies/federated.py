"""Commands of `rtwin experiment` on twins that many stations build, keep and protect."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Option

from rtwin.cli.options import JsonFlag, Quiet, StudyFolder
from rtwin.cli.report import finish_study, progress_bar
from rtwin.errors import OutOfRangeError
from rtwin.progress import count_of

if TYPE_CHECKING:
    from rtwin.federation import Model, Traffic

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
Forecaster = Annotated[
    Literal["linear", "lstm"],
    Option(
        "--model",
        metavar="NAME",
        help="linear, or lstm, which needs TensorFlow and ten times the time.",
    ),
]
Seeds = Annotated[int, Option(help="Starts and orders drawn.")]


def traffic(
    output: StudyFolder,
    data: Data = None,
    cells: Cells = None,
    target: Target = "internet",
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
    quiet: Quiet = False,
    json: JsonFlag = False,
) -> None:
    """Twins of stations that forecast traffic: built together, kept together, handed on.

    Example: rtwin experiment traffic -o traffic
    """
    from rtwin.experiments.study_files import check_study_folder
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
        history=_whole("history", history),
        drifts=_names(drifts, ()),
    )
    check_study_folder(output, "traffic")
    series = _traffic(data, cells, target)
    learner = _model(model)
    with progress_bar(quiet or json, "Reading traffic") as progress:
        schemes, made = run_traffic(study, series, learner, count_of(progress, "schemes"))
        learned = run_history(study, series, learner, count_of(progress, "history"))
    # The weeks of the holidays are known of three cells alone.
    holidays = run_holidays(load_traffic(TWO_MONTHS)) if data is None else []
    finish_study(
        traffic_results(study, series, model, schemes, made, learned, holidays), output, json
    )


def poisoning(
    output: StudyFolder,
    data: Data = None,
    cells: Cells = None,
    target: Target = "internet",
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
    quiet: Quiet = False,
    json: JsonFlag = False,
) -> None:
    """Liars among stations that learn together: every rule against every attack.

    Example: rtwin experiment poisoning -o poisoning
    """
    from rtwin.experiments.study_files import check_study_folder
    from rtwin.federation.defence import ATTACKS, RULES
    from rtwin.federation.studies import PoisoningStudy, poisoning_results, run_poisoning

    study = PoisoningStudy(
        rules=_names(rules, RULES),
        attacks=_names(attacks, ATTACKS),
        fakes=_shares("fakes", fakes),
        rounds=rounds,
        root_cells=root_cells,
        root_days=root_days,
        seeds=seeds,
    )
    check_study_folder(output, "poisoning")
    series = _traffic(data, cells, target)
    with progress_bar(quiet or json, "Reading traffic") as progress:
        outcomes = run_poisoning(study, series, _model(model), count_of(progress, "rounds"))
    finish_study(poisoning_results(study, model, outcomes), output, json)


def trust(
    output: StudyFolder,
    data: Data = None,
    cells: Cells = None,
    target: Target = "internet",
    seeds: Annotated[int, Option(help="Tamperings drawn.")] = 3,
    quiet: Quiet = False,
    json: JsonFlag = False,
) -> None:
    """Tampered traffic: what is found and masked, and what a forecast from it loses.

    Example: rtwin experiment trust -o trust
    """
    from rtwin.experiments.study_files import check_study_folder
    from rtwin.federation.studies import run_trust, trust_results

    check_study_folder(output, "trust")
    series = _traffic(data, cells, target)
    with progress_bar(quiet or json, "Reading traffic") as progress:
        found = run_trust(series, seeds, done=count_of(progress, "tamperings"))
    finish_study(trust_results(series, {"seeds": seeds, "target": target}, found), output, json)


def privacy(
    output: StudyFolder,
    data: Data = None,
    cells: Cells = None,
    target: Target = "internet",
    model: Forecaster = "linear",
    noise: Annotated[
        str, Option(metavar="SIGMA,...", help="Noise over the clipping norm.")
    ] = "0.5,1,2,4,8",
    clip: Annotated[float, Option(help="Norm to which updates are clipped.")] = 0.2,
    delta: Annotated[float, Option(help="Chance that the bound fails.")] = 1e-3,
    rounds: Annotated[int, Option(help="Rounds of building.")] = 30,
    seeds: Seeds = 5,
    quiet: Quiet = False,
    json: JsonFlag = False,
) -> None:
    """What hiding updates costs: noise with its account, secure sums, fewer bits.

    Example: rtwin experiment privacy -o privacy
    """
    from rtwin.experiments.study_files import check_study_folder
    from rtwin.federation.studies import PrivacyStudy, privacy_results, run_privacy

    study = PrivacyStudy(
        sigmas=_shares("noise", noise), norm=clip, delta=delta, rounds=rounds, seeds=seeds
    )
    check_study_folder(output, "privacy")
    series = _traffic(data, cells, target)
    with progress_bar(quiet or json, "Reading traffic") as progress:
        found = run_privacy(study, series, _model(model), count_of(progress, "runs"))
    finish_study(privacy_results(study, model, found), output, json)


def sites(
    output: StudyFolder,
    points: Annotated[int, Option(help="Places that each site measures.")] = 60,
    names: Annotated[
        str | None, Option("--sites", metavar="NAME,...", help="Of the sites; default: all.")
    ] = None,
    starts: Annotated[int, Option(help="Places that each fit tries first.")] = 12,
    seed: Annotated[int, Option(help="Of truth, places and noise.")] = 1,
    quiet: Quiet = False,
    json: JsonFlag = False,
) -> None:
    """Sites that calibrate materials together, against a truth that none of them sees alone.

    Example: rtwin experiment sites -o sites
    """
    from rtwin.experiments.study_files import check_study_folder
    from rtwin.federation.studies import SitesStudy, run_sites, sites_results

    study = SitesStudy(points=points, starts=starts, seed=seed)
    if names is not None:
        study = replace(study, sites=_names(names, ()))
    check_study_folder(output, "sites")
    with progress_bar(quiet or json) as progress:
        outcome = run_sites(study, progress)
    finish_study(sites_results(study, outcome), output, json)


def _traffic(data: Path | None, cells: str | None, target: str) -> "Traffic":
    from rtwin.federation import load_traffic

    return load_traffic(data, None if cells is None else _whole("cells", cells), target)


def _model(name: str) -> "Model":
    from rtwin.federation import LinearModel, LstmModel
    from rtwin.federation.traffic import NUM_INPUTS

    return LstmModel() if name == "lstm" else LinearModel(NUM_INPUTS)


def _whole(option: str, text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise OutOfRangeError(f"--{option} is {text!r}; write whole numbers above 0 with commas")
    return tuple(int(word) for word in words)


def _shares(option: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise OutOfRangeError(f"--{option} is {text!r}; write numbers with commas") from None


def _names(text: str | None, known: Iterable[str]) -> tuple[str, ...]:
    return tuple(known) if text is None else tuple(word.strip() for word in text.split(","))
