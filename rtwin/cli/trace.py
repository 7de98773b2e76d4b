"""Commands that trace: generate, radiomap, render."""

import time
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from rtwin.cli.terminal import (
    Calibration,
    CampaignData,
    CellSize,
    DiscoveryRays,
    DryRun,
    Frequency,
    Hands,
    MapHeight,
    MinGain,
    Output,
    Overwrite,
    Quiet,
    Rows,
    SceneArgument,
    SceneOfFile,
    SolverOverrides,
    StrongestPaths,
    Talking,
    gigahertz,
    hertz,
    print_estimate,
    print_file,
    print_rows,
    progress_bar,
    stderr,
)
from rtwin.errors import MissingExtraError, OutOfRangeError


def generate(
    talk: Talking,
    scene: SceneArgument,
    output: Output,
    solver: SolverOverrides,
    hands: Hands,
    receivers: Annotated[
        int | None, Option(metavar="N", help="N random receivers instead of the recipe's.")
    ] = None,
    rays: DiscoveryRays = None,
    strongest_paths: StrongestPaths = None,
    min_gain: MinGain = None,
    shard_size: Annotated[int | None, Option(help="Receivers per shard.")] = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Trace a scene into a dataset of paths. A killed run resumes when called again.

    Example: rtwin generate munich -o munich.h5 --receivers 1000
    """
    from rtwin.dataset import generate as run
    from rtwin.scene import load_recipe

    recipe = load_recipe(
        scene,
        num_receivers=receivers,
        rays=rays,
        strongest_paths=strongest_paths,
        min_gain_db=min_gain,
        **solver,
    )
    if dry_run:
        from rtwin.dataset.generation import estimate_dataset

        print_estimate(estimate_dataset(recipe, hands["workers"] or 1), talk.json)
        return
    start = time.perf_counter()
    with talk.progress() as progress:
        run(
            recipe,
            output,
            shard_size=shard_size,
            **hands,
            overwrite=overwrite,
            progress=progress,
        )
    print_file(output, _dataset_rows, talk.json, start)


def _dataset_rows(info: dict[str, Any]) -> Rows:
    invalid = [
        f"{info[key]} {what}"
        for key, what in (
            ("num_inside", "inside objects"),
            ("num_underground", "under the ground"),
            ("num_without_ground", "without ground"),
        )
        if info[key]
    ]
    fate = "receivers kept though" if info["keep_invalid"] else "receivers turned away"
    return [
        ("links", f"{info['num_links']} ({info['num_tx']} tx x {info['num_rx']} rx)"),
        ("paths", f"{info['num_paths']} ({info['num_links_without_path']} links have none)"),
        (fate, ", ".join(invalid) or "none"),
    ]


def _numbers(text: str | None) -> list[float] | None:
    """Frequencies [Hz] with commas between them."""
    return None if text is None else [hertz(word) for word in text.split(",")]


def evaluate(
    talk: Talking,
    file: Annotated[Path, Argument(metavar="FILE", help="A dataset of paths.")],
    output: Output,
    frequency: Frequency = None,
    frequencies: Annotated[
        str | None,
        Option(metavar="HZ,HZ,...", help="Several frequencies [Hz]: a sweep in one file."),
    ] = None,
    materials: Annotated[
        Path | None, Option(metavar="TOML", help="File of [materials.NAME] tables as in a recipe.")
    ] = None,
    calibration: Calibration = None,
    tx_pattern: Annotated[str | None, Option(help="Antenna pattern of all transmitters.")] = None,
    tx_downtilt: Annotated[
        float | None, Option(metavar="DEG", help="Downtilt of all transmitters [deg].")
    ] = None,
    rx_pattern: Annotated[str | None, Option(help="Antenna pattern of the receivers.")] = None,
    scene: SceneOfFile = None,
    overwrite: Overwrite = False,
) -> None:
    """Evaluate the fields of stored paths for other materials, frequency or antennas: no tracing.

    Example: rtwin evaluate munich.h5 -o munich-28ghz.h5 --frequency 28e9
    """
    from rtwin.dataset import evaluate as run

    start = time.perf_counter()
    materials, origin = _calibrated(materials, calibration)
    with talk.progress() as progress:
        run(
            file,
            output,
            frequency_hz=frequency,
            frequencies_hz=_numbers(frequencies),
            materials=materials,
            tx_pattern=tx_pattern,
            tx_downtilt_deg=tx_downtilt,
            rx_pattern=rx_pattern,
            scene=scene,
            origin=origin,
            overwrite=overwrite,
            progress=progress,
        )
    print_file(
        output,
        lambda info: [
            ("frequency", gigahertz(info)),
            ("paths", f"{info['num_paths']} ({info['num_paths_without_power']} without power)"),
        ],
        talk.json,
        start,
    )


def radiomap(
    talk: Talking,
    scene: SceneArgument,
    output: Output,
    solver: SolverOverrides,
    hands: Hands,
    method: Annotated[
        str,
        Option(
            help="monte-carlo: cell averages; paths: exact paths, with spreads and angles; "
            "auto: the one that takes less time."
        ),
    ] = "auto",
    cell_size: CellSize = None,
    height: MapHeight = None,
    z: Annotated[
        float | None,
        Option(metavar="M", help="Height of a level map instead [m]: a floor, a basement."),
    ] = None,
    rays: Annotated[
        int | None, Option(help="Rays per transmitter; by area and cell size if not given.")
    ] = None,
    calibration: Calibration = None,
    measurements: Annotated[
        str | None,
        Option(
            metavar="CAMPAIGN", help="Trace nothing: the levels of a campaign, where there are any."
        ),
    ] = None,
    data: CampaignData = None,
    resource_blocks: Annotated[
        int | None,
        Option(metavar="N", help="The campaign's levels are RSRP of a carrier of N blocks."),
    ] = None,
    transmitters: Annotated[
        str | None, Option(metavar="NAMES", help="Of the campaign; all of them if not given.")
    ] = None,
    discrepancy: Annotated[
        bool,
        Option(
            "--discrepancy", help="With --calibration: the twin's mean and variance in every cell."
        ),
    ] = False,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Trace the radio map of a scene: path gain, RSS, SINR, serving transmitter, uncertainty.

    Example: rtwin radiomap munich -o munich-map.h5 --cell-size 2
    """
    from rtwin.dataset import generate_radio_map
    from rtwin.scene import load_recipe

    recipe = load_recipe(
        scene,
        cell_size_m=cell_size,
        map_height_m=height,
        map_z_m=z,
        **{"rays" if method == "paths" else "map_rays": rays},
        **solver,
    )
    if dry_run:
        from rtwin.dataset.generation import estimate_map

        print_estimate(estimate_map(recipe, method), talk.json)
        return
    if calibration is not None:
        from rtwin.calibration import calibrated_recipe

        recipe = calibrated_recipe(recipe, calibration)
    correction = _discrepancy(calibration, method) if discrepancy else None
    start = time.perf_counter()
    with talk.progress() as progress:
        if measurements is not None:
            from rtwin.calibration import generate_measured_map, load_campaign

            generate_measured_map(
                recipe,
                load_campaign(measurements, data),
                output,
                resource_blocks=resource_blocks,
                transmitters=None if transmitters is None else transmitters.split(","),
                overwrite=overwrite,
                progress=progress,
            )
        else:
            generate_radio_map(
                recipe,
                output,
                method=method,
                correction=correction,
                **hands,
                overwrite=overwrite,
                progress=progress,
            )
    print_file(output, _map_rows, talk.json, start)


def _map_rows(info: dict[str, Any]) -> Rows:
    return [
        ("cells", f"{info['num_cells_y']} x {info['num_cells_x']} of {info['cell_size_m']:g} m"),
        ("reached", f"{100 * info['reached_share']:.1f} % of the cells"),
    ]


def render(
    scene: SceneArgument,
    output: Output,
    paths: Annotated[
        Path | None, Option(metavar="FILE", help="Dataset whose paths are drawn.")
    ] = None,
    radio_map: Annotated[
        Path | None, Option("--map", metavar="FILE", help="Radio map laid over the ground.")
    ] = None,
    links: Annotated[int, Option(help="Links whose paths are drawn.")] = 12,
    width: Annotated[int, Option(help="Pixels.")] = 1280,
    height: Annotated[int, Option(help="Pixels.")] = 800,
    samples: Annotated[int, Option(help="Light samples per pixel.")] = 64,
    key: Annotated[
        bool, Option("--key/--no-key", help="What the colours mean, below the picture.")
    ] = True,
    quiet: Quiet = False,
) -> None:
    """Draw a ray-traced picture of a scene, with paths and radio map on it.

    Example: rtwin render munich -o munich.png --paths munich.h5 --map munich-map.h5
    """
    from rtwin.dataset import render_scene
    from rtwin.scene import load_recipe

    def with_key(png: bytes) -> bytes:
        from rtwin.plot import add_key

        try:
            return add_key(png, paths=paths is not None, radio_map=radio_map)
        except MissingExtraError as error:
            stderr(f"note: the picture has no key: {error}")
            return png

    with progress_bar(quiet) as progress:
        render_scene(
            load_recipe(scene),
            output,
            paths=paths,
            radio_map=radio_map,
            num_links=links,
            resolution=(width, height),
            samples=samples,
            progress=progress,
            finish=with_key if key else None,
        )
    print_rows([("file", output)])


def _calibrated(
    materials: Path | None, calibration: Path | None
) -> tuple[Path | None, dict[str, str] | None]:
    """Where materials come from, and what the file says of the calibration that made them."""
    if calibration is None:
        return materials, None
    if materials is not None:
        raise OutOfRangeError("materials and calibration are both given; give one of them")
    from rtwin.calibration import calibration_attributes, read_result

    folder = calibration if calibration.is_dir() else calibration.parent
    return folder, calibration_attributes(read_result(calibration))


def _discrepancy(calibration: Path | None, method: str) -> Any:
    """What puts a calibrated twin into a map."""
    if calibration is None:
        raise OutOfRangeError("discrepancy needs a calibration; name its result with --calibration")
    if method == "paths":
        raise OutOfRangeError(
            f"discrepancy changes the gains of cells, not the paths to them; method is {method}, "
            "it must be monte-carlo"
        )
    from rtwin.calibration import TwinCorrection, read_result

    read_result(calibration)  # what is no result is refused before the work
    return TwinCorrection(calibration)
