"""From a twin's file to a file or folder that another tool reads."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import rtwin
from rtwin.dataset import file_info, open_dataset, open_radio_map
from rtwin.dataset.generate import Progress, silent
from rtwin.dataset.reader import PathDataset
from rtwin.dataset.schema import MAP_FORMAT, PATHS_FORMAT, PORT_LABELS
from rtwin.errors import OutOfRangeError
from rtwin.export.place import check_target, new_file, new_folder
from rtwin.export.registry import MAP, PATHS, Format, Report, find_format
from rtwin.export.view import PathView, chosen_port, chosen_rows

_KINDS = {PATHS_FORMAT: PATHS, MAP_FORMAT: MAP}
_WORDS = {PATHS: "dataset of paths", MAP: "radio map"}


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
        overwrite: Replace an earlier export.
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
    kind = _KINDS.get(str(file_info(file)["format"]), "")
    if kind not in what.sources:
        wanted = " or ".join(_WORDS[source] for source in what.sources)
        raise OutOfRangeError(
            f"{file} is a {_WORDS.get(kind, kind)}, format {to!r} is made from a {wanted}"
        )
    target = what.default_target(file) if target is None else Path(target)
    what.check_name(target)
    check_target(target, file, what.suffix, what.magic, overwrite)
    chosen = {"tx": tx, "rx": rx, "tx_port": tx_port, "rx_port": rx_port}
    with _opened(file, kind) as opened:
        if isinstance(opened, PathDataset):
            source: Any = path_view(opened, **chosen, strongest_paths=strongest_paths)
        elif any(chosen.values()) or strongest_paths is not None:
            names = ", ".join(
                [*filter(chosen.get, chosen), *["strongest_paths"] * bool(strongest_paths)]
            )
            raise OutOfRangeError(f"{names}: for datasets of paths, {file} is a {_WORDS[kind]}")
        else:
            source = opened
        with _place(what, target, file, given) as place:
            report = what.writer(source, place, progress, **given)
            left_out = source.left_out if isinstance(source, PathView) else ""
    return {
        "format": to,
        "target": str(target),
        **report,
        **({"left out": left_out} if left_out else {}),
    }


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
    ends = dataset.recipe.transmitter[0].antenna, dataset.recipe.receivers.antenna
    labels = [PORT_LABELS[antenna.polarization] for antenna in ends]
    return PathView(
        dataset,
        chosen_rows("tx", tx, dataset.num_tx),
        chosen_rows("rx", rx, dataset.num_rx),
        chosen_port("tx", tx_port, labels[0]),
        chosen_port("rx", rx_port, labels[1]),
        strongest_paths,
    )


def _opened(file: Path, kind: str) -> AbstractContextManager[Any]:
    return open_dataset(file) if kind == PATHS else nullcontext(open_radio_map(file))


def _place(
    what: Format, target: Path, file: Path, options: dict[str, Any]
) -> AbstractContextManager[Path]:
    if what.suffix:
        return new_file(target)
    info = file_info(file)
    return new_folder(
        target,
        {
            "format": what.name,
            "version": rtwin.__version__,
            "source": file.name,
            "content_hash": info["content_hash"],
            "scene": info["scene"],
            "frequency_hz": info["frequency_hz"],
            "options": options,
        },
    )
