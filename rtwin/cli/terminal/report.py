"""How commands talk: lines, tables, JSON and progress bars."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from rtwin.cli import interruption
from rtwin.progress import Progress

if TYPE_CHECKING:
    from rtwin.dataset.generation import Estimate

SECONDS_BETWEEN_LINES = 10.0
Rows = list[tuple[str, Any]]
_LABELS = {
    "trace": "Tracing links",
    "workers": "Cluster workers",
    "write": "Writing",
    "map": "Tracing radio map",
    "discrepancy": "Putting the twin in",
    "places": "Placing masts",
    "choice": "Choosing materials",
    "render": "Drawing",
    "evaluate": "Evaluating fields",
    "links": "Reading links",
    "paths": "Reading paths",
    "view": "Writing page",
    "export": "Exporting",
    "read": "Reading",
    "build": "Building",
    "save": "Saving",
    "lint": "Checking",
    "sample": "Sampling tracks",
    "worlds": "Trying worlds",
    "experiment": "Experimenting",
    "fit": "Fitting",
    "pairs": "Tracing pairs of maps",
    "learn": "Learning",
    "calibrate": "Calibrating",
    "compare": "Comparing",
    "validate": "Holding out blocks",
}


def stderr(line: str) -> None:
    """Print one line to stderr."""
    typer.echo(line.encode("utf-8", "backslashreplace").decode(), err=True)


def one_line(text: str) -> str:
    """Text without line breaks and what a terminal would take for a command."""
    return "".join(c if c.isprintable() else " " for c in text)


def print_json(data: Any) -> None:
    """Print data as JSON; numbers that JSON cannot hold become null."""
    typer.echo(json.dumps(_finite(data), indent=2))


def print_rows(rows: Rows) -> None:
    """Print names and values in two columns."""
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        line = one_line(f"{name:<{width}}  {value}")
        # Names of files need not be UTF-8.
        typer.echo(line.encode("utf-8", "replace").decode())


@dataclass(frozen=True)
class Talk:
    """How a command talks: with a progress bar and a table, or quietly, or in JSON alone."""

    json: bool = False
    quiet: bool = False

    def progress(self, first: str = "Loading scene") -> AbstractContextManager[Progress]:
        """A progress bar, unless nobody wants one; `first` is what it says at the beginning."""
        return progress_bar(self.quiet or self.json, first)

    def tell(self, facts: Any, rows: Rows) -> None:
        """Print facts as JSON, or else rows as a table."""
        if self.json:
            print_json(facts)
        else:
            print_rows(rows)


def print_file(
    output: Path,
    rows: Callable[[dict[str, Any]], Rows],
    json: bool = False,
    since: float | None = None,
) -> None:
    """Print what a command wrote: its size, some rows about it, its hash and the time.

    What its reader should know comes before, each on a line of stderr.

    Args:
        output: The file.
        rows: Names and values in between, from what `file_info` says.
        json: Print all that it says as JSON instead.
        since: When the command began, of time.perf_counter; if not given, no time is told.
    """
    from rtwin.dataset import file_info

    info = file_info(output)
    if since is not None:
        info["seconds"] = round(time.perf_counter() - since, 3)
    if json:
        print_json(info)
        return
    for remark in info["remarks"]:
        stderr(f"note: {remark}")
    if info.get("dark"):
        stderr(f"note: {info['dark']}")
    found = [("file", f"{output} ({human_bytes(info['bytes'])})"), *rows(info)]
    found.append(("content hash", info["content_hash"]))
    if "seconds" in info:
        found.append(("time", f"{info['seconds']:.1f} s"))
    print_rows(found)


def print_estimate(found: "Estimate", json: bool) -> None:
    """Print what a run would take."""
    if json:
        print_json({**asdict(found), "num_links": found.num_links})
        return
    low, high = found.seconds / 3, 3 * found.seconds
    print_rows(
        [
            ("links", f"{found.num_links} ({found.num_tx} tx x {found.num_rx} places)"),
            ("scene", f"{found.num_triangles} triangles"),
            ("method", found.method),
            ("time", f"{human_time(low)} to {human_time(high)} on two cores"),
            ("memory", f"about {human_bytes(found.num_bytes)}"),
        ]
    )


def human_time(seconds: float) -> str:
    """A time in seconds, minutes or hours."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 1 else "1 s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    if isinstance(data, float) and data - data != 0:
        return None
    return data


@contextmanager
def progress_bar(quiet: bool, first: str = "Loading scene") -> Iterator[Progress]:
    """A progress bar on stderr, as the callback that the library functions take."""
    if quiet:
        yield lambda stage, done, total: interruption.check()
        return
    if not sys.stderr.isatty():
        yield _progress_lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        loading = bar.add_task(first, total=None)
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            interruption.check()
            bar.update(loading, total=1, completed=1)
            if stage not in tasks:
                tasks[stage] = bar.add_task(_LABELS.get(stage, stage), total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield report


def _progress_lines() -> Progress:
    """Progress where there is no terminal: now and then a line, with an estimate."""
    begun: dict[str, float] = {}
    counted: dict[
        str, tuple[float, int]
    ] = {}  # when a stage had made its first steps, and how many
    reached: dict[str, int] = {}
    last = time.monotonic()

    def report(stage: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done < reached.get(stage, 0):  # the same stage once more: of the next draw, say
            del begun[stage]
            counted.pop(stage, None)
        start, reached[stage] = begun.setdefault(stage, now), done
        since, first = counted.setdefault(stage, (now, done)) if done else (now, 0)
        if now - last < SECONDS_BETWEEN_LINES or done >= total:
            return
        last = now
        about = ""
        if done > first:
            about = f", about {human_time((now - since) * (total - done) / (done - first))} left"
        elif done:
            # The first steps pay for what is loaded and compiled: they are the slowest.
            about = f", at most about {human_time((now - start) * (total - done) / done)} left"
        stderr(f"{_LABELS.get(stage, stage)}: {done} of {total}{about}")

    return report


def gigahertz(info: dict[str, Any]) -> str:
    """The carrier frequency or frequencies of a file's summary."""
    each = info.get("frequencies_hz") or [info["frequency_hz"]]
    return ", ".join(f"{hertz / 1e9:g}" for hertz in each) + " GHz"


def human_bytes(size: float) -> str:
    """A size with a binary prefix."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError


def not_believed(trust: dict[str, Any]) -> list[tuple[str, str]]:
    """Who sent what everything else contradicts; nothing where nothing was."""
    return [
        (
            f"  {kind} {row['name']}",
            f"{row['untrusted']} of {row['rows']} rows not believed, {row['off_db']:+.1f} dB off"
            + _so_far(row),
        )
        for kind in ("transmitter", "device")
        for row in trust[f"by_{kind}"]
        # One device alone is what everything was measured with, named or not.
        if row["untrusted"] and (kind == "transmitter" or len(trust["by_device"]) > 1)
    ]


def _so_far(row: dict[str, Any]) -> str:
    """What was not believed of a source in all updates, where there were others."""
    rows = row.get("rows_so_far", row["rows"])
    return f"; {row['untrusted_so_far']} of {rows} so far" if rows > row["rows"] else ""
