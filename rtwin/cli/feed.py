"""The command that feeds a twin to others: sample."""

from typing import Annotated, Any

from typer import Argument, Option

from rtwin.cli.terminal import Output, Overwrite, Rows, SceneOfFile, Talking, print_file


def sample(
    talk: Talking,
    twin: Annotated[
        str, Argument(metavar="TWIN", help="A radio map; for exact paths also a scene.")
    ],
    tracks: Annotated[
        str,
        Argument(
            metavar="TRACKS", help="A .csv of tracks, a .geojson of ways, or random-waypoint."
        ),
    ],
    output: Output,
    method: Annotated[
        str, Option(help="map interpolates the radio map, paths traces every position.")
    ] = "map",
    ues: Annotated[int, Option(metavar="N", help="Users that walk.")] = 20,
    duration: Annotated[float, Option(metavar="S", help="How long they walk [s].")] = 60.0,
    interval: Annotated[float, Option(metavar="S", help="Time between rows [s].")] = 0.1,
    speed: Annotated[
        tuple[float, float],
        Option(metavar="LOW HIGH", help="Lowest and highest walking speed [m/s]."),
    ] = (0.6, 1.8),
    pause: Annotated[float, Option(metavar="S", help="Longest rest at a waypoint [s].")] = 0,
    seed: Annotated[int, Option(help="Seed of the walks.")] = 1,
    bandwidth: Annotated[
        float | None, Option(metavar="HZ", help="Channel bandwidth [Hz]; the recipe's.")
    ] = None,
    subcarrier_spacing: Annotated[
        float, Option(metavar="HZ", help="15e3, 30e3, 60e3 or 120e3.")
    ] = 30e3,
    table: Annotated[int, Option(help="CQI and MCS table of TS 38.214: 1, 2 or 3.")] = 2,
    shannon_gap: Annotated[
        float, Option(metavar="DB", help="SINR needed above Shannon's capacity [dB].")
    ] = 3.0,
    hysteresis: Annotated[
        float, Option(metavar="DB", help="How much better a new cell must be [dB].")
    ] = 3.0,
    time_to_trigger: Annotated[float, Option(metavar="S", help="And for how long [s].")] = 0.16,
    interference_load: Annotated[
        float, Option(help="Share of their power that other transmitters send, 0 to 1.")
    ] = 1.0,
    height: Annotated[
        float | None, Option(metavar="M", help="Height of tracks that state none [m].")
    ] = None,
    line_of_sight: Annotated[
        bool, Option("--line-of-sight/--no-line-of-sight", help="Ask the scene for it.")
    ] = True,
    scene: SceneOfFile = None,
    overwrite: Overwrite = False,
) -> None:
    """Sample a twin along tracks into a link trace: gain, SINR, CQI, rate, serving cell over time.

    Example: rtwin sample munich-map.h5 random-waypoint -o trace.h5 --ues 30
    """
    from rtwin.dataset import SampleSettings
    from rtwin.dataset import sample as run
    from rtwin.link import Handover
    from rtwin.scene import Walk

    walk = Walk(ues, duration, interval, speed, pause, seed)
    settings = SampleSettings(
        method=method,
        bandwidth_hz=bandwidth,
        subcarrier_spacing_hz=subcarrier_spacing,
        table=table,
        shannon_gap_db=shannon_gap,
        handover=Handover(hysteresis, time_to_trigger),
        interference_load=interference_load,
        line_of_sight=line_of_sight,
        height_m=height,
    )
    with talk.progress() as progress:
        run(
            twin,
            tracks,
            output,
            walk=walk,
            settings=settings,
            scene=scene,
            overwrite=overwrite,
            progress=progress,
        )
    print_file(output, _trace_rows, talk.json)


def _trace_rows(info: dict[str, Any]) -> Rows:
    return [
        ("users", f"{info['num_ues']} for {info['duration_s']:g} s"),
        ("rows", ", ".join(f"{n} {name}" for name, n in info["states"].items() if n)),
        ("handovers", info["num_handovers"]),
        ("median rate", f"{info['median_rate_mbps']:.1f} Mbit/s with all resource blocks"),
    ]
