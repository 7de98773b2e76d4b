"""`--help` with commands grouped by job, each with its whole line."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from rtwin.cli.terminal.option_groups import with_groups

JOBS = {
    "See whether it works": ("doctor", "scenes"),
    "Bring a scene": ("scene",),
    "Trace channels and maps": ("generate", "evaluate", "radiomap", "sample"),
    "Fit it to measurements": ("calibrate", "align"),
    "Keep a twin current": ("twin", "rehearse", "update", "merge", "quality", "deploy"),
    "Look": ("info", "validate", "plot", "render", "view", "antenna"),
    "Hand over to other tools": ("export", "serve"),
    "Learn together, study": ("horizontal", "federate", "experiment"),
}


class JobGroup(TyperGroup):
    """A group of commands whose help is not cut off.

    Checked by tests/cli/test_commands.py.
    """

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under their jobs; those of no job under one heading."""
        lines = {name: _line(self.get_command(ctx, name)) for name in self.list_commands(ctx)}
        jobs = {title: [n for n in names if n in lines] for title, names in JOBS.items()}
        known = {name for names in jobs.values() for name in names}
        jobs["Commands"] = [name for name in lines if name not in known]
        for title, names in jobs.items():
            if names:
                with formatter.section(title):
                    formatter.write_dl([(name, lines[name]) for name in names])


class Commands(typer.Typer):
    """Commands whose parameters may stand for groups of options."""

    def command(self, *given: Any, **more: Any) -> Callable[[Any], Any]:
        """Register a command, with each option of its groups by itself."""
        register = super().command(*given, **more)
        return lambda command: register(with_groups(command))


def command_group(text: str, **more: Any) -> Commands:
    """An empty group of commands, with the help that it has of itself."""
    return Commands(
        cls=JobGroup,
        help=text,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        **more,
    )


def _line(command: Any) -> str:
    """The first paragraph of a command's help."""
    return " ".join((command.help or "").split("\n\n")[0].split())
