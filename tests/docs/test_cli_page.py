"""docs/cli.md is what the command line says of itself."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .markdown import PAGES, ROOT, prose

README = ROOT / "README.md"


def _make_cli():
    spec = importlib.util.spec_from_file_location("make_cli", ROOT / "docs" / "make_cli.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE_CLI = _make_cli()
COMMANDS = list(MAKE_CLI.commands())
GROUPS = {name.split()[0] for name in COMMANDS if " " in name}


@pytest.fixture(scope="module")
def make_cli():
    return MAKE_CLI


def section(command: str) -> str:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    found = re.search(rf"^## rtwin {command}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section on rtwin {command}"
    return found[1]


def test_page_is_current(make_cli):
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == make_cli.page(), "run `python docs/make_cli.py`"


@pytest.mark.parametrize("command", COMMANDS)
def test_page_agrees_with_help(command):
    run = subprocess.run(
        [Path(sys.executable).with_name("rtwin"), *command.split(), "--help"],
        env={**os.environ, "COLUMNS": "300", "TERM": "dumb", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    helped, documented = run.stdout, section(command)
    flags = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", helped)) - {"--help", "-h"}
    assert flags == set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", documented))
    # Help text is the same but for line breaks.
    said = " ".join(helped.split())
    described = re.findall(r"^\| `[^`]*` \|.*?\| (.*) \|$", documented, re.MULTILINE)
    for sentence in [documented.strip().splitlines()[0], *described]:
        if not sentence.startswith("Overrides `solver."):
            assert sentence in said


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_explained(command):
    assert MAKE_CLI.commands()[command].__doc__
    assert command in readme_commands(), f"README's table lacks rtwin {command}"


def readme_commands() -> list[str]:
    """Commands of the README's table, as typed after `rtwin`."""
    rows = re.findall(r"^\| `rtwin ([^`|]+)`", README.read_text(), re.MULTILINE)
    return [" ".join(row.split()[: 2 if row.split()[0] in GROUPS else 1]) for row in rows]


def test_help_names_pages_that_exist():
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    missing = [name for name in re.findall(r"\bdocs/\w+\.\w+", text) if not (ROOT / name).exists()]
    assert not missing


def test_readme_lists_no_other_commands():
    assert readme_commands() == COMMANDS


def test_commands_in_prose_exist(make_cli):
    flags = {
        name: " ".join(row[0] for row in make_cli.parameters(callback))
        for name, callback in make_cli.commands().items()
    }
    seen = 0
    for page in PAGES:
        for code in re.findall(r"`(rtwin [^`]+)`", prose(page)):
            name, *words = code.split()[1:]
            if name in ("COMMAND", "--version", "--help", "--install-completion"):
                continue
            if name in GROUPS:
                name, words = f"{name} {words[0]}", words[1:]
            assert name in COMMANDS, f"{page.name}: `{code}`"
            for word in words:
                assert not word.startswith("-") or word in flags[name].replace(",", "").split()
            seen += 1
    assert seen > len(COMMANDS)
