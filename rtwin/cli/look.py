"""Commands that look: doctor, scenes, info, validate, plot, view."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from rtwin.cli.terminal import (
    JsonFlag,
    Quiet,
    SceneOfFile,
    human_bytes,
    print_json,
    print_rows,
    progress_bar,
    stderr,
)

FileArgument = Annotated[
    Path, Argument(metavar="FILE", help="A dataset, radio map, link trace or twin.")
]


def doctor(
    json: JsonFlag = False,
    warm_up: Annotated[
        bool,
        Option(
            "--warm-up",
            help="Also compile what most traces need, so that the first ones start quickly.",
        ),
    ] = False,
) -> None:
    """Check that the ray tracer works here, against Friis, and print what it works with."""
    from rtwin.trace.doctor import WARM_UP, examine
    from rtwin.trace.doctor import warm_up as run_warm_up

    report = examine()
    if warm_up and report["ok"]:
        with progress_bar(json, "Warming up") as progress:
            report["warm_up"] = run_warm_up(
                done=lambda number: progress("Warming up", number, len(WARM_UP))
            )
    if json:
        print_json(report)
    else:
        test = report["self_test"]
        rows: list[tuple[str, Any]] = [
            ("status", "ok" if report["ok"] else f"not ok: {report['problem']}"),
            ("variant", report["variant"] or "none"),
            ("libLLVM", report["llvm"] or "none found"),
            ("GPU", report["gpu"] or "none"),
            ("cores", report["cores"]),
            ("memory", f"{report['memory_gib']} GiB"),
            ("platform", f"{report['platform']}, Python {report['python']}"),
        ]
        if test:
            rows.append(
                (
                    "self-test",
                    f"{test['path_loss_db']:.3f} dB at 100 m, Friis {test['friis_db']:.3f} dB "
                    f"({test['seconds']:.1f} s)",
                )
            )
        for scene in report.get("warm_up", ()):
            rows.append(
                (
                    f"{scene['scene']}, depth {scene['max_depth']}",
                    f"{scene['compiled']} kernels compiled, {scene['read']} read from disk "
                    f"({scene['seconds']:.1f} s)",
                )
            )
        print_rows(rows + [(n, v or "not installed") for n, v in report["versions"].items()])
    if not report["ok"]:
        raise typer.Exit(1)


def scenes(json: JsonFlag = False) -> None:
    """List the scenes that ship with rtwin."""
    from rtwin.scene import list_scenes

    found = list_scenes()
    if json:
        import dataclasses

        print_json([dataclasses.asdict(scene) for scene in found])
    else:
        print_rows([(scene.name, f"{scene.title} ({scene.environment})") for scene in found])


def info(file: FileArgument, json: JsonFlag = False) -> None:
    """Print what a file holds and where it came from; of a twin, its history."""
    from rtwin.dataset import file_info

    if file.is_dir():
        _print_history(file, json)
        return
    found = file_info(file)
    if json:
        print_json(found)
        return
    found["bytes"] = human_bytes(found["bytes"])
    found["remarks"] = "; ".join(found["remarks"]) or "none"
    found["versions"] = ", ".join(f"{k} {v}" for k, v in found["versions"].items())
    print_rows(list(found.items()))


def _print_history(folder: Path, json: bool) -> None:
    from rtwin.horizontal import history

    rows = history(folder)
    if json:
        print_json({"twin": str(folder), "snapshots": rows})
        return
    print_rows([("twin", folder), ("bytes", human_bytes(sum(row["bytes"] for row in rows)))])
    for row in rows:
        decided = ", ".join(f"{name} {what}" for name, what in row["decisions"].items())
        typer.echo(
            f"{row['snapshot']:06d}  {row['created']}  {row['seconds']:>6.1f} s  "
            f"{100 * row['share_changed']:>5.1f} % of the cells  {row['news']} ({decided})"
        )


def validate(file: FileArgument, json: JsonFlag = False) -> None:
    """Check a file's layout and physics; exit status 1 and the reasons if something is wrong."""
    from rtwin.dataset import validate_file

    problems = validate_file(file)
    if json:
        print_json({"file": str(file), "valid": not problems, "problems": problems})
    elif problems:
        for problem in problems:
            typer.echo(f"{file}: {problem}")
    else:
        typer.echo(f"{file}: valid")
    if problems:
        raise typer.Exit(1)


def plot(
    file: FileArgument,
    output: Annotated[Path, Option("-o", "--output", metavar="FILE", help="PNG, PDF or SVG.")],
    kind: Annotated[
        str, Option(help="map, receivers, delay, angles, cdf or trace; by file if not given.")
    ] = "",
    metric: Annotated[
        str, Option(help="What is shown, e.g. rss, sinr, path_gain; see docs/plots.md.")
    ] = "",
    rx: Annotated[int, Option(help="Receiver, for delay and angles.")] = 0,
    tx: Annotated[int | None, Option(help="Transmitter; all if not given.")] = None,
) -> None:
    """Draw a radio map, receivers, delay profile, angular spectrum, distributions or link trace.

    Of a twin: what its last update changed, or with --metric its map.

    Example: rtwin plot munich-map.h5 -o map.png --metric sinr
    """
    from rtwin.plot import plot_file, save_figure

    if file.is_dir() and not (kind or metric):
        from rtwin.horizontal import plot_twin

        figure = plot_twin(file, tx=tx)
    else:
        figure = plot_file(file, kind, metric=metric, rx=rx, tx=tx)
    save_figure(figure, output)
    if figure.get_label():
        stderr(f"note: the picture is empty: {figure.get_label()}")
    print_rows([("file", output)])


def antenna(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A pattern: .msi, .pln, or .csv of directions.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Picture: PNG, PDF or SVG."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Describe an antenna pattern from a file, and draw it."""
    from rtwin.scene import read_antenna

    pattern = read_antenna(file)
    zenith, azimuth = pattern.peak_direction_deg
    found: dict[str, Any] = {
        "name": pattern.name,
        "frequency_hz": pattern.frequency_hz,
        "peak_gain_dbi": round(pattern.peak_gain_dbi, 2),
        "peak_zenith_deg": zenith,
        "peak_azimuth_deg": azimuth,
        "horizontal_beamwidth_deg": _rounded(pattern.beamwidth_deg("horizontal")),
        "vertical_beamwidth_deg": _rounded(pattern.beamwidth_deg("vertical")),
        "front_to_back_db": round(pattern.front_to_back_db, 1),
        "efficiency": round(pattern.efficiency, 3),
        "polarization": "in the file" if pattern.has_polarization else "not in the file",
    }
    if output is not None:
        from rtwin.plot import plot_antenna, save_figure

        found["file"] = str(save_figure(plot_antenna(pattern), output))
    if json:
        print_json(found)
    else:
        print_rows([(name, "unknown" if v is None else v) for name, v in found.items()])


def _rounded(angle_deg: float) -> float | None:
    return None if angle_deg != angle_deg else round(angle_deg, 1)


def view(
    files: Annotated[
        list[str],
        Argument(
            metavar="FILE...", help="A dataset, a radio map or a twin, both, or a scene alone."
        ),
    ],
    output: Annotated[Path, Option("-o", "--output", metavar="FILE", help="HTML page to write.")],
    scene: SceneOfFile = None,
    receivers: Annotated[int, Option(metavar="N", help="Most receivers on the page.")] = 50_000,
    paths: Annotated[
        int, Option(metavar="N", help="Most paths on the page; links keep their strongest.")
    ] = 200_000,
    quiet: Quiet = False,
) -> None:
    """Write one HTML page to look around in: the scene in 3D, paths, radio map.

    Example: rtwin view munich.h5 munich-map.h5 -o munich.html
    """
    from rtwin.view import write_page

    with progress_bar(quiet) as progress:
        page = write_page(
            files, output, scene=scene, max_receivers=receivers, max_paths=paths, progress=progress
        )
    for remark in page.remarks:
        stderr(f"note: {remark}")
    print_rows([("file", f"{page.file} ({human_bytes(page.num_bytes)})")])
