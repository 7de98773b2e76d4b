"""Commands of `rtwin experiment` on networks that decide on a twin: slicing, caching."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from rtwin.cli.studies.running import (
    Ages,
    FurtherTwins,
    Processes,
    ReferenceMap,
    StudyScene,
    Walkers,
    Ways,
    Work,
    decimals,
    print_study,
    study_command,
    twins_of,
)
from rtwin.cli.terminal import OptionGroup, StudyFolder, Talking, numbers, pair
from rtwin.errors import OutOfRangeError

Worlds = Annotated[int, Option(help="Reference worlds, walks and traffic drawn.")]
Users = Annotated[str, Option(metavar="SERVICE=N,...", help="Users of each service.")]
USERS = "vr=3,short_video=12,embb=6,urllc=6"
Walked = Annotated[float, Option(metavar="S", help="How long users walk [s].")]
Bandwidth = Annotated[float, Option(metavar="HZ", help="Channel bandwidth [Hz].")]


@dataclass(frozen=True)
class _Setting:
    stale_without: Annotated[
        str | None, Option(metavar="NAMES", help="Objects that the stale twin does not know of.")
    ] = None
    ways: Ways = None
    reference: ReferenceMap = None
    points: Annotated[int, Option(help="Measurements that log-distance and kriging get.")] = 60
    residual: Annotated[
        float, Option(metavar="DB", help="What rays do not explain in the reference [dB].")
    ] = 4.0
    interference: Annotated[
        float | None,
        Option(
            metavar="SHARE",
            help="Share of other stations' power that comes; default: of the blocks they reserve.",
        ),
    ] = None
    lending: Annotated[
        bool, Option("--lending", help="Slices lend each other reserved blocks that they leave.")
    ] = False
    admission: Annotated[
        bool, Option("--admission", help="Users whom a cell cannot hold are turned away.")
    ] = False
    map_rays: Annotated[int | None, Option(help="Rays per transmitter of every map.")] = None
    policy: Annotated[
        list[str] | None,
        Option("--policy", metavar="NAME=MODULE:FUNCTION", help="A further policy; repeatable."),
    ] = None
    services: Annotated[
        Path | None, Option(metavar="TOML", help="Further services that --users may name.")
    ] = None

    def keywords(self) -> dict[str, Any]:
        """What both studies of slices take under the same names."""
        from rtwin.experiments import load_services

        unknown = self.stale_without
        return {
            "stale_without": None if unknown is None else tuple(unknown.split(",")),
            "ways": self.ways,
            "reference": self.reference,
            "points": self.points,
            "interference_load": self.interference,
            "lending": self.lending,
            "admission": self.admission,
            "map_rays": self.map_rays,
            "policies": dict(pair("policy", text) for text in self.policy or ()),
            "services": {} if self.services is None else load_services(self.services),
        }


StudySetting = Annotated[_Setting, OptionGroup.of(_Setting)]


def slicing(
    talk: Talking,
    output: StudyFolder,
    scene: StudyScene = "courtyard",
    seeds: Worlds = 10,
    users: Users = USERS,
    duration: Walked = 30.0,
    epoch: Annotated[float, Option(metavar="S", help="Time between decisions [s].")] = 0.5,
    bandwidth: Bandwidth = 100e6,
    twin: FurtherTwins = None,
    age: Ages = "",
    setting: StudySetting = _Setting(),
    kpm: Annotated[
        Path | None,
        Option(metavar="DIR", help="KPIs of every run, per user and slice, in ColO-RAN's columns."),
    ] = None,
) -> None:
    """Compare what slicing policies achieve when they decide on twins of different fidelity.

    Example: rtwin experiment slicing -o slicing
    """
    from rtwin.experiments import (
        SlicingExperiment,
        WorldSettings,
        json_report,
        markdown_table,
        rows_of,
        run_slicing,
    )
    from rtwin.experiments.results import prepare_folder, write_results

    asked = SlicingExperiment(
        scene=scene,
        seeds=seeds,
        users=_numbers("users", users),
        duration_s=duration,
        epoch_s=epoch,
        bandwidth_hz=bandwidth,
        twins=twins_of(twin),
        ages_s=numbers("age", age),
        world=WorldSettings(residual_db=setting.residual),
        **setting.keywords(),
    )
    prepare_folder(output)
    with talk.progress() as progress:
        runs = run_slicing(asked, progress, kpm)
    print_study(
        write_results(asked, runs, output),
        lambda: json_report(asked, runs),
        lambda: markdown_table(rows_of(runs)),
        talk,
    )


@study_command()
def ahead(
    scene: StudyScene = "courtyard",
    seeds: Worlds = 20,
    window: Annotated[
        str, Option(metavar="S,...", help="How long reservations last [s].")
    ] = "5,20",
    places: Annotated[
        str, Option(help="Where users will be: known, or predicted from how they walked.")
    ] = "known",
    users: Users = USERS,
    duration: Walked = 60.0,
    tuning: Annotated[int, Option(help="Further worlds, in which policies are tuned.")] = 3,
    ppo: Annotated[
        int, Option(help="Decisions that shares are learned from by PPO (extra rl); 0: none are.")
    ] = 0,
    price: Annotated[float, Option(help="What reserving all blocks costs.")] = 0.1,
    bandwidth: Bandwidth = 100e6,
    twin: FurtherTwins = None,
    setting: StudySetting = _Setting(),
    workers: Processes = 2,
) -> Work:
    """Compare what reservations for the coming seconds earn, on twins and on the last report.

    Example: rtwin experiment ahead -o ahead
    """
    from rtwin.experiments.ahead import AheadStudy, ahead_results, run_ahead

    if places not in ("known", "predicted"):
        raise OutOfRangeError(f"places is {places!r}; it must be known or predicted")
    asked = AheadStudy(
        scene=scene,
        seeds=seeds,
        windows_s=decimals("window", window),
        places="known" if places == "known" else "predicted",
        users=_numbers("users", users),
        duration_s=duration,
        tuning=tuning,
        ppo_steps=ppo,
        price=price,
        bandwidth_hz=bandwidth,
        residual_db=setting.residual,
        twins=twins_of(twin),
        workers=workers,
        **setting.keywords(),
    )
    return lambda progress: ahead_results(asked, run_ahead(asked, progress))


def caching(
    talk: Talking,
    output: StudyFolder,
    seeds: Annotated[int, Option(help="Tastes, walks and requests drawn.")] = 10,
    slots: Annotated[int, Option(help="Slots of each station's cache.")] = 150,
    history: Annotated[int, Option(help="Requests that are known before.")] = 1500,
    test: Annotated[int, Option(help="Requests that are counted.")] = 4000,
    users: Walkers = 40,
    within: Annotated[
        float, Option(metavar="DB", help="How much weaker a second station may be [dB].")
    ] = 6.0,
    trace: Annotated[
        Path | None, Option(metavar="FILE", help="A link trace whose users and stations are taken.")
    ] = None,
    twin: Annotated[
        Path | None,
        Option(metavar="RADIOMAP", help="A radio map whose stations are taken; with --ways."),
    ] = None,
    ways: Annotated[
        Path | None, Option(metavar="GEOJSON", help="Ways to walk along, with --twin.")
    ] = None,
    requests: Annotated[
        Path | None, Option(metavar="LOG", help="A gateway's log, as a sanity check beside.")
    ] = None,
    ppo: Annotated[
        int, Option(metavar="STEPS", help="Train MaskablePPO as well, for so many requests.")
    ] = 0,
    control: Annotated[
        bool, Option("--control/--no-control", help="Run the memoryless drift as well.")
    ] = True,
    workers: Processes = 2,
) -> None:
    """Compare what caches at stations keep: textbook, learned, safe, with and without a twin.

    Example: rtwin experiment caching -o caching
    """
    from rtwin.caching.study import CachingStudy, json_report, markdown, run_caching, write_caching
    from rtwin.caching.study.results import prepare

    asked = CachingStudy(
        seeds=seeds,
        slots=slots,
        history=history,
        test=test,
        users=users,
        within_db=within,
        trace=trace,
        twin=twin,
        ways=ways,
        requests=requests,
        ppo_steps=ppo,
        control=control,
        workers=workers,
    )
    prepare(output)
    with talk.progress() as progress:
        found = run_caching(asked, progress)
    files = write_caching(found, output)
    print_study(files, lambda: json_report(found), lambda: markdown(found), talk)


def _numbers(option: str, text: str) -> dict[str, int]:
    found = {}
    for part in text.split(","):
        key, value = pair(option, part)
        if not value.isdigit():
            raise OutOfRangeError(f"--{option} has {part!r}; write SERVICE=N with a whole number")
        found[key] = int(value)
    return found
