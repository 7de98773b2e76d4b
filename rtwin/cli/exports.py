"""Commands that hand a twin to other tools: export, serve."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from rtwin.cli.terminal import Overwrite, Talking

TxPort = Annotated[str, Option(metavar="NAME", help="Take one transmit polarisation, e.g. V.")]
RxPort = Annotated[str, Option(metavar="NAME", help="Take one receive polarisation, e.g. V.")]
OfSweep = Annotated[float | None, Option(metavar="HZ", help="Which frequency of a sweep [Hz].")]


def _list_formats(wanted: bool) -> None:
    if not wanted:
        return
    from rtwin.export import FORMATS

    for item in FORMATS:
        typer.echo(f"{item.name}  ({' or '.join(item.sources)})  {item.summary}")
        for option in item.options:
            typer.echo(f"    {option.name} = {option.default!r}  {option.help}".rstrip())
    raise typer.Exit


def export(
    talk: Talking,
    twin: Annotated[Path, Argument(metavar="TWIN", help="A dataset or radio map.")],
    to: Annotated[str, Option("--to", metavar="FORMAT", help="Format, see --list.")],
    output: Annotated[
        Path | None, Option("-o", "--output", metavar="TARGET", help="File or folder to write.")
    ] = None,
    tx: Annotated[str, Option(metavar="ROWS", help="Transmitters, e.g. 0,3,10:20.")] = "",
    rx: Annotated[str, Option(metavar="ROWS", help="Receivers, e.g. 0,3,10:20.")] = "",
    tx_port: TxPort = "",
    rx_port: RxPort = "",
    strongest_paths: Annotated[
        int | None, Option(metavar="K", help="Take the K strongest paths per link.")
    ] = None,
    frequency: OfSweep = None,
    option: Annotated[
        list[str] | None,
        Option("-O", "--option", metavar="NAME=VALUE", help="Option of the format, see --list."),
    ] = None,
    overwrite: Overwrite = False,
    formats: Annotated[
        bool,
        Option(
            "--list", callback=_list_formats, is_eager=True, help="List formats and their options."
        ),
    ] = False,
) -> None:
    """Write a twin in a format of another tool: DeepMIMO, ns-3, Sionna and others.

    Example: rtwin export munich.h5 --to ns3-loss -o munich.csv
    """
    from rtwin.errors import OutOfRangeError
    from rtwin.export import export as run

    options = {}
    for text in option or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise OutOfRangeError(f"option {text!r} has no value; write it as NAME=VALUE")
        options[name.replace("-", "_")] = value
    with talk.progress() as progress:
        report = run(
            twin,
            to,
            output,
            tx=tx,
            rx=rx,
            tx_port=tx_port,
            rx_port=rx_port,
            strongest_paths=strongest_paths,
            frequency_hz=frequency,
            overwrite=overwrite,
            progress=progress,
            **options,
        )
    talk.tell(report, list(report.items()))


def serve(
    talk: Talking,
    twin: Annotated[Path, Argument(metavar="TWIN", help="A dataset of paths, or a radio map.")],
    address: Annotated[str, Option(help="Where to listen.")] = "tcp://127.0.0.1:5555",
    within: Annotated[
        float, Option(metavar="M", help="How far a node of ns-3 may be from its device [m].")
    ] = 0.5,
    devices: Annotated[
        bool, Option("--list", help="Say where nodes may begin, and do not listen.")
    ] = False,
    once: Annotated[bool, Option("--once", help="End with the first simulation.")] = False,
    tx_port: TxPort = "",
    rx_port: RxPort = "",
    frequency: OfSweep = None,
) -> None:
    """Answer ns-3's requests for channels (ns3sionna) from paths or a map, until interrupted.

    Example: rtwin serve munich.h5
    """
    from rtwin.export import serve as run
    from rtwin.export import served_devices

    if devices:
        found = served_devices(twin)
        rows = [
            (
                str(one["device"]),
                (
                    place
                    if isinstance(place := one["position_m"], str)
                    else ", ".join(f"{value:g}" for value in place)
                )
                + (f"; {one['places']} places" if one["places"] > 1 else ""),
            )
            for one in found
        ]
        talk.tell({"devices": found}, rows)
        return
    with suppress(KeyboardInterrupt):
        run(
            twin,
            address,
            within_m=within,
            once=once,
            tx_port=tx_port,
            rx_port=rx_port,
            frequency_hz=frequency,
            say=lambda text: None if talk.json else typer.echo(text),
        )
