"""The `rtwin` program: commands, and one line instead of a traceback.

Nothing heavy is imported here or in the command modules' heads: `--help` must
answer at once.
"""

import io
import os
import sys
import warnings
from typing import Annotated

import typer
from typer import Option

from rtwin import __version__
from rtwin.cli import calibrate, exports, federate, feed, look, scene, studies, trace
from rtwin.cli.terminal import command_group, one_line, stderr
from rtwin.cli.twins import deploy, keep, merge, networks
from rtwin.errors import RtwinError

app = command_group(
    "Ray-traced channel twins: from a 3D scene to channel datasets and radio maps.",
    name="rtwin",
    pretty_exceptions_enable=False,
)
for command in (
    look.doctor,
    look.scenes,
    trace.generate,
    trace.evaluate,
    trace.radiomap,
    calibrate.calibrate,
    calibrate.align,
    feed.sample,
    keep.twin,
    keep.rehearse,
    keep.update,
    merge.merge,
    deploy.quality,
    deploy.deploy,
    look.info,
    look.validate,
    look.plot,
    look.antenna,
    trace.render,
    look.view,
    exports.export,
    exports.serve,
):
    app.command()(command)
app.add_typer(scene.app, name="scene")
app.add_typer(networks.app, name="horizontal")
app.add_typer(federate.app, name="federate")
app.add_typer(studies.app, name="experiment")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Ray-traced channel twins: from a 3D scene to channel datasets and radio maps."""


def run() -> None:
    """Run the program; errors become one line on stderr and exit status 1."""
    if not sys.warnoptions:
        # Numbers that overflow are refused with a line of their own.
        warnings.filterwarnings("ignore", category=RuntimeWarning)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files may hold what the terminal's encoding has no letter for.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except RtwinError as error:
        stderr(one_line(f"{type(error).__name__}: {error}"))
        sys.exit(1)
    except MemoryError:
        stderr("out of memory; try a smaller --shard-size, fewer --workers or fewer rays")
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output has gone; closing quietly is what it wants.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno is None:  # not the system's
            raise
        name = "" if error.filename is None else f"{os.fsdecode(error.filename)[:80]}: "
        stderr(one_line(f"{name}{error.strerror or error}"))
        sys.exit(1)
