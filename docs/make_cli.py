"""Writes docs/cli.md from the command line itself: `python docs/make_cli.py`.

The tables come from the commands' own declarations, not from the text that
`--help` prints, which every version of typer lays out in its own way.
"""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

from typer.models import ArgumentInfo, OptionInfo

from rtwin.cli.app import app
from rtwin.scene import Solver

FILE = Path(__file__).with_name("cli.md")

HEAD = """\
# The command line

This page is written by `python docs/make_cli.py`; edit the commands, not the page.

Each command is one Python function of the same name. `SCENE` is a shipped scene, a folder with a
`scene.toml`, or a `.toml` file. An option that is not given leaves the recipe's value.
`rtwin COMMAND --help` prints the same on the terminal; `rtwin --version` prints the version.
`rtwin --install-completion` makes your shell complete commands, options and names of scenes.

| exit status | means |
|---|---|
| 0 | done |
| 1 | an error, or a file that is not valid; one line on stderr says what and what to do |
| 2 | the command line itself is wrong |
| 130 | interrupted; finished shards are kept |

| environment variable | does |
|---|---|
| `RTWIN_VARIANT` | `cuda` forces the GPU, `llvm` the CPU; `auto` takes CUDA where it works |
| `DRJIT_LIBLLVM_PATH` | the libLLVM to use on the CPU, version 16 or newer |
"""


def page() -> str:
    """The text of docs/cli.md."""
    return "\n".join([HEAD, *(section(name, command) for name, command in commands().items())])


def commands() -> dict[str, Callable[..., Any]]:
    """Every command by what is typed after `rtwin`, in the order of `--help`."""
    found = {
        info.callback.__name__: info.callback for info in app.registered_commands if info.callback
    }
    for group in app.registered_groups:
        for info in group.typer_instance.registered_commands if group.typer_instance else ():
            if info.callback:
                found[f"{group.name} {info.callback.__name__}"] = info.callback
    return found


def section(name: str, command: Callable[..., Any]) -> str:
    """Heading, usage, help and options of one command."""
    text, _, example = inspect.cleandoc(command.__doc__ or "").partition("Example: ")
    options = parameters(command)
    required = [shown for shown, default, _ in options if default == "required"]
    # "-o, --output FILE" is used as "-o FILE".
    usage = [re.sub(", --[a-z-]+", "", shown) for shown in required]
    lines = [
        f"## rtwin {name}",
        "",
        " ".join(text.split()),
        "",
        f"    {' '.join(['rtwin', name, *usage, '[OPTIONS]'])}",
        "",
        "| option | default | meaning |",
        "|---|---|---|",
        *(f"| `{shown}` | {default} | {meaning} |" for shown, default, meaning in options),
        "",
    ]
    if example:
        lines += ["```bash", " ".join(example.split()), "```", ""]
    return "\n".join(lines)


def parameters(command: Callable[..., Any]) -> list[tuple[str, str, str]]:
    """How each parameter is written, its default and its help."""
    hints = get_type_hints(command, include_extras=True)
    rows = []
    for name, parameter in inspect.signature(command).parameters.items():
        kind, *extras = get_args(hints[name])
        info = next(e for e in extras if isinstance(e, (ArgumentInfo, OptionInfo)))
        if parameter.default is parameter.empty:
            default = "required"
        elif parameter.default in (None, "", False):
            default = ""
        else:
            default = f"`{parameter.default}`"
        meaning = info.help or ""
        if not meaning and name in Solver.model_fields:
            meaning = f"Overrides `solver.{name}` of the recipe."
        rows.append((_written(name, kind, info), default, meaning))
    return rows


def _written(name: str, kind: Any, info: ArgumentInfo | OptionInfo) -> str:
    if isinstance(info, ArgumentInfo):
        return info.metavar or name.upper()
    # Inside Annotated, typer takes the first flag for the default value.
    words = (str(word) for word in (info.default, *(info.param_decls or ())))
    declared = [word for word in words if word.startswith("-")]
    flags = ", ".join(declared) or f"--{name.replace('_', '-')}"
    flags = flags.replace("/--no-", " / --no-")
    types = get_args(kind) or (kind,)
    if bool in types:
        return flags
    values = {int: "N", float: "X", str: "TEXT", Path: "FILE"}
    return f"{flags} {info.metavar or next(values[t] for t in types if t in values)}"


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
    print(FILE)
