"""The command that feeds a twin to others: sample."""

from time import process_time
from typing import Annotated, Any

from typer import Argument, Option

from rtwin.cli.terminal import Output, Overwrite, Rows, SceneOfFile, Talking, print_file, stderr
from rtwin.progress import Progress


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
    demand: Annotated[
        float | None,
        Option(metavar="MBPS", help="What each user asks for; cells interfere as that takes."),
    ] = None,
    uplink: Annotated[
        float | None,
        Option(metavar="DBM", help="The uplink: what each user sends over the carrier, as 23."),
    ] = None,
    link: Annotated[
        str, Option(help="simple: one SINR for a link; paths: fading, blocks, retransmissions.")
    ] = "simple",
    layers: Annotated[int, Option(metavar="N", help="With paths: most layers of a user.")] = 4,
    effective_sinr: Annotated[
        str, Option(metavar="MAP", help="With paths: miesm or eesm.")
    ] = "miesm",
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
    from rtwin.dataset import SampleSettings, open_link_trace
    from rtwin.dataset import sample as run
    from rtwin.link import Handover
    from rtwin.link.layer import FadedLink
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
        link=link,
        demand_mbps=demand,
        uplink_power_dbm=uplink,
        faded=FadedLink(effective_sinr, layers),
    )
    with talk.progress() as shown:
        progress = _Timed(shown)
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
    source = open_link_trace(output).attributes.get("tracks") or {}
    if source.get("num_gaps"):
        stderr(
            f"note: {source['num_gaps']} times rows of a user are more than "
            f"{source['max_gap_s']:g} s apart: nobody is anywhere in between; give rows closer "
            "to each other"
        )
    print_file(output, lambda info: _trace_rows(info) + progress.rows(info), talk.json)


class _Timed:
    """Progress that also measures the processor time of the link layer."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._start_s = self._spent_s = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage == "link":
            now = process_time()
            self._start_s = self._start_s if done else now
            self._spent_s = now - self._start_s
        self._shown(stage, done, total)

    def rows(self, info: dict[str, Any]) -> Rows:
        if not self._spent_s:
            return []
        seconds = info["num_ues"] * max(info["duration_s"], 1e-9)
        spent_ms = self._spent_s / seconds * 1e3
        return [("link layer", f"{spent_ms:.1f} ms of processor time per second of a user")]


def _trace_rows(info: dict[str, Any]) -> Rows:
    faded: Rows = []
    if info.get("mean_block_error_rate") is not None:
        first, lost = info["mean_block_error_rate"], info["mean_lost_blocks"]
        faded = [("blocks", f"{first:.1%} fail at first, {lost:.2%} in the end")]
        faded.append(("layers", f"{info['mean_num_layers']:.2f}"))
    if "mean_tx_load" in info:
        faded.append(("load of cells", ", ".join(f"{load:.0%}" for load in info["mean_tx_load"])))
    return [
        *faded,
        ("users", f"{info['num_ues']} for {info['duration_s']:g} s"),
        ("rows", ", ".join(f"{n} {name}" for name, n in info["states"].items() if n)),
        ("handovers", info["num_handovers"]),
        ("median rate", f"{info['median_rate_mbps']:.1f} Mbit/s with all resource blocks"),
    ]
