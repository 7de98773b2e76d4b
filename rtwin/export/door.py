"""From a twin's file to a file or folder that another tool reads."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import rtwin
from rtwin.dataset import open_dataset, open_radio_map
from rtwin.dataset.inspection import open_checked
from rtwin.dataset.reading import PathDataset
from rtwin.dataset.schema import MAP_FORMAT, PATHS_FORMAT, PORT_LABELS, SWEEP_FORMAT, tx_port_labels
from rtwin.errors import OutOfRangeError
from rtwin.export.record import PathView, chosen_port, chosen_rows
from rtwin.export.registry import MAP, PATHS, SWEEP, TRACE, Format, Report, find_format
from rtwin.export.serving import MapCells, StoredPaths, devices_of
from rtwin.export.writing import check_target, finished_folder, new_file, new_folder
from rtwin.progress import Progress, silent

_KINDS = {PATHS_FORMAT: PATHS, SWEEP_FORMAT: SWEEP, MAP_FORMAT: MAP, "rtwin-linktrace": TRACE}
_WORDS = {
    PATHS: "dataset of paths",
    SWEEP: "frequency sweep",
    MAP: "radio map",
    TRACE: "link trace",
}


def export(
    file: str | Path,
    to: str,
    target: str | Path | None = None,
    *,
    tx: str = "",
    rx: str = "",
    tx_port: str = "",
    rx_port: str = "",
    strongest_paths: int | None = None,
    frequency_hz: float | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
    **options: Any,
) -> Report:
    """Write a twin in a format of another tool.

    Args:
        file: Dataset of paths or radio map, as the format takes.
        to: Name of the format; `FORMATS` lists them.
        target: Where to; appears whole or not at all. Default: named after the file.
        tx: Rows of the transmitters, such as "0,3,10:20"; "" for all.
        rx: Rows of the receivers, likewise.
        tx_port: Label of the one transmit polarisation to take; "" for all.
        rx_port: Label of the one receive polarisation to take; "" for all.
        strongest_paths: Most paths per link; what that leaves out is reported.
        frequency_hz: Which frequency [Hz] of a sweep.
        overwrite: Make it anew and replace an earlier export; without it, the very same
            export is left as it is.
        progress: Called with stage ("export"), steps done and in all.
        options: Options of the format, see docs/export.md.
    Returns:
        Names and values: "format", "target", and what the format tells.
    Raises:
        OutOfRangeError: if the format, an option or a choice does not exist,
            or the twin holds what the format cannot say.
        StoreError: if a file cannot be read, or the target cannot be written.
        MissingExtraError: if the format needs a library that is not installed.
    """
    file, what = Path(file), find_format(to)
    given = what.read_options(options)
    with open_checked(file) as h5:
        attributes = dict(h5.attrs)
    kind = _KINDS.get(str(attributes["format"]), str(attributes["format"]))
    chosen = {
        "tx": tx,
        "rx": rx,
        "tx_port": tx_port,
        "rx_port": rx_port,
        "strongest_paths": strongest_paths,
        "frequency_hz": frequency_hz,
    }
    _check_kind(file, kind, what, [name for name in chosen if chosen[name] not in ("", None)])
    target = what.default_target(file) if target is None else Path(target)
    what.check_name(target)
    check_target(target, file, what.suffix)
    mark = {
        "format": to,
        "version": rtwin.__version__,
        "source": file.name,
        "content_hash": str(attributes.get("content_hash", "")),
        "scene": str(attributes.get("scene", "")),
        "options": given,
    }
    mark["request"] = json.dumps([mark, chosen], sort_keys=True, default=str)
    about = {"format": to, "target": str(target)}
    if not what.suffix and not overwrite:
        finished = finished_folder(target, mark)
        if finished is not None:
            progress("export", 1, 1)
            return about | finished
    with _opened(file, kind, what, frequency_hz) as source:
        if isinstance(source, PathDataset):
            del chosen["frequency_hz"]
            source = path_view(source, **chosen)  # type: ignore[arg-type]
        with _place(what, target, mark, overwrite) as place:
            report = dict(what.writer(source, place, progress, **given))
            left_out = source.left_out if isinstance(source, PathView) else ""
            if left_out:
                report["left out"] = left_out
            mark["report"] = report
    return about | report


def serve(
    file: str | Path,
    address: str = "tcp://127.0.0.1:5555",
    *,
    within_m: float = 0.5,
    once: bool = False,
    tx_port: str = "",
    rx_port: str = "",
    frequency_hz: float | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> int:
    """Answer ns3sionna's requests for channels from the paths of a dataset, or from a radio map.

    Args:
        file: A dataset of paths, or a radio map: then losses alone, at any place of it.
        address: Where to listen.
        within_m: How far one of ns-3's nodes may be from its device [m].
        once: Whether to end with the first simulation; else it goes on until interrupted.
        tx_port, rx_port: Labels of the polarisations to take, where there are several.
        frequency_hz: Which frequency [Hz] of a sweep.
        say: Told what happens, in a line each.
    Returns:
        How many requests for channels were answered.
    Raises:
        OutOfRangeError: if nobody can listen there, or there are several polarisations.
        StoreError: if the file is neither.
        MissingExtraError: if pyzmq is not installed.
    Checked by tests/export/serving/test_server.py.
    """
    from rtwin.export.serving.server import serve_twin

    if not within_m >= 0:
        raise OutOfRangeError(f"within_m is {within_m:g}; it must be 0 m or more")
    if _is_map(file):
        if tx_port or rx_port or frequency_hz is not None:
            raise OutOfRangeError("a radio map has one port and one frequency; name none")
        return serve_twin(MapCells(open_radio_map(file)), address, within_m, once, say)
    with open_dataset(file, frequency_hz) as dataset:
        view = path_view(dataset, tx_port=tx_port, rx_port=rx_port).one_port("ns3sionna")
        return serve_twin(StoredPaths(view), address, within_m, once, say)


def served_devices(file: str | Path) -> list[dict[str, Any]]:
    """The devices at which `serve` takes nodes: name, first position [m], places.

    Of a radio map the transmitters, and then, in words, its area, of which every place is one.
    """
    if _is_map(file):
        found = open_radio_map(file)
        masts = zip(found.tx_name, found.tx_position_m.tolist(), strict=True)
        return [
            *({"device": name, "position_m": place, "places": 1} for name, place in masts),
            {"device": "anywhere", "position_m": MapCells(found).extent, "places": 1},
        ]
    with open_dataset(file) as dataset:
        names = dataset.read("tx_name")
        return [
            {
                "device": f"rx {device.rx[0]}" if device.tx is None else str(names[device.tx]),
                "position_m": [float(value) for value in device.position_m[0]],
                "places": len(device.position_m),
            }
            for device in devices_of(path_view(dataset))
        ]


def _is_map(file: str | Path) -> bool:
    with open_checked(file) as h5:
        return bool(h5.attrs["format"] == MAP_FORMAT)


def path_view(
    dataset: PathDataset,
    *,
    tx: str = "",
    rx: str = "",
    tx_port: str = "",
    rx_port: str = "",
    strongest_paths: int | None = None,
) -> PathView:
    """The chosen links of a dataset, as the writers of path formats take them."""
    if strongest_paths is not None and strongest_paths < 1:
        raise OutOfRangeError(f"strongest_paths is {strongest_paths}; it must be 1 or more")
    chosen = chosen_rows("tx", tx, dataset.num_tx)
    recipe = dataset.recipe
    labels = tx_port_labels(recipe, chosen), PORT_LABELS[recipe.receivers.antenna.polarization]
    return PathView(
        dataset,
        chosen,
        chosen_rows("rx", rx, dataset.num_rx),
        chosen_port("tx", tx_port, labels[0]),
        chosen_port("rx", rx_port, labels[1]),
        strongest_paths,
    )


def _check_kind(file: Path, kind: str, what: Format, chosen: list[str]) -> None:
    wanted = " or ".join(_WORDS[source] for source in what.sources if source != SWEEP)
    fits = kind in what.sources or (kind == SWEEP and PATHS in what.sources)
    if not fits:
        raise OutOfRangeError(
            f"{file} is a {_WORDS.get(kind, kind)}, format {what.name!r} is made from a {wanted}"
        )
    if chosen and what.takes_file:
        raise OutOfRangeError(
            f"format {what.name!r} takes the whole file; leave {', '.join(chosen)} out"
        )
    if chosen and kind not in (PATHS, SWEEP):
        raise OutOfRangeError(
            f"{', '.join(chosen)}: for datasets of paths, {file} is a {_WORDS[kind]}"
        )


def _opened(
    file: Path, kind: str, what: Format, frequency_hz: float | None
) -> AbstractContextManager[Any]:
    if what.takes_file:
        return nullcontext(file)
    if kind == MAP:
        return nullcontext(open_radio_map(file))
    return open_dataset(file, frequency_hz)


def _place(
    what: Format, target: Path, mark: dict[str, Any], overwrite: bool
) -> AbstractContextManager[Path]:
    if what.suffix:
        return new_file(target, overwrite)
    return new_folder(target, mark)
