"""Commands and Python blocks of README and docs run as they are written."""

import re
import shlex
import subprocess
import sys
import tomllib

import numpy as np
import pytest

from rtwin.dataset import file_info, open_radio_map

from .conftest import (
    ALL_COMMANDS,
    ALL_PAGES,
    NOT_RUN,
    README,
    commands,
    quick,
    run_here,
    write_inputs,
)
from .markdown import DOCS, PAGES, ROOT, blocks

RTWIN = [command for command in ALL_COMMANDS if command.is_rtwin and not command.is_slow]
SLOW = [command for command in ALL_COMMANDS if command.is_slow]
PYTHON = [(page, b) for page in ALL_PAGES for b in blocks(page) if b.language == "python"]


def test_pages_with_commands():
    assert {command.page for command in RTWIN} >= {"README.md", "recipes.md", "dataset.md"}


def test_set_up_is_two_single_lines():
    lines = [
        line
        for b in blocks(README)
        if b.language == "bash"
        for line in b.text.splitlines()
        if "venv" in line
    ]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert len(lines) == 2
    for line in lines:
        venv, activate, install, *rest = line.split(" && ")
        assert (venv, activate) == ("python3 -m venv .venv", ". .venv/bin/activate")
        pip, verb, what = shlex.split(install)
        assert (pip, verb) == ("pip", "install")
        assert re.fullmatch(r"\.\[(\w+)\]", what)[1] in extras["optional-dependencies"]
        assert rest
    assert [line.split(" && ")[3:] for line in lines][1] == ["pytest"]


def test_other_commands_are_known():
    for command in ALL_COMMANDS:
        if not command.is_rtwin:
            assert command.text.startswith(NOT_RUN), str(command)


def test_benchmark_prints_its_table():
    command = next(c for c in ALL_COMMANDS if c.text.startswith("python benchmarks/"))
    script = ROOT / command.text.split()[1]
    run = subprocess.run(
        [sys.executable, script, "courtyard", "--receivers", "5"],
        capture_output=True,
        text=True,
        check=True,
    )
    header, rule, row = (line for line in run.stdout.splitlines() if line.startswith("|"))
    assert row.startswith("| courtyard | 10 |")
    assert header.count("|") == rule.count("|") == row.count("|")


@pytest.mark.parametrize("command", RTWIN, ids=str)
def test_rtwin_command(command, ran):
    _, outcome = ran
    assert outcome[command] == ""


@pytest.mark.slow
@pytest.mark.parametrize("command", SLOW, ids=str)
def test_slow_rtwin_command(command, tmp_path, monkeypatch):
    write_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command.text)
    assert run_here(quick(words)) == ""
    assert list((tmp_path / words[words.index("-o") + 1]).iterdir())


def test_commands_wrote_their_files(outputs):
    for command in RTWIN:
        words = shlex.split(command.text)
        if "-o" in words:
            assert (outputs / words[words.index("-o") + 1]).stat().st_size > 0


@pytest.mark.parametrize(
    ("page", "block"), PYTHON, ids=[f"{page.name}:{block.line}" for page, block in PYTHON]
)
def test_python_block(page, block, outputs, monkeypatch):
    monkeypatch.chdir(outputs)
    code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
    exec(code, {})


def test_three_ways_of_reading_agree(outputs, monkeypatch):
    monkeypatch.chdir(outputs)
    names: dict = {}
    read = [b for p, b in PYTHON if p.name == "dataset.md"][:3]
    for library, block in zip(("h5py", "xarray", "rtwin"), read, strict=True):
        assert library in block.text
        exec(block.text, names)
    assert len(names["a"]) > 0
    assert np.array_equal(names["same_paths"].a, names["a"])
    assert np.array_equal(names["same_paths"].delay_s, names["delay_s"])
    assert np.allclose(names["same_gain"], names["gain"].values, rtol=1e-5)


def test_shards_and_workers_give_one_hash(outputs):
    one, many = (file_info(outputs / f"{name}.h5") for name in ("one", "many"))
    assert one["num_paths"] > 0
    assert one["content_hash"] == many["content_hash"]


def test_more_rays_find_more(outputs):
    few, many = (file_info(outputs / f"{name}-rays.h5")["num_paths"] for name in ("few", "many"))
    assert few < many


def test_radio_maps_repeat_to_rounding(outputs):
    one, two = (open_radio_map(outputs / f"map-{n}.h5").path_gain for n in (1, 2))
    assert one.max() > 0
    assert np.allclose(one, two, rtol=1e-5, atol=0)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("https://"):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_readme_leads_to_every_page():
    text = README.read_text(encoding="utf-8")
    # The command table stands in the README itself.
    missing = [p.name for p in DOCS if f"](docs/{p.name})" not in text and p.name != "cli.md"]
    assert not missing


def test_lines_are_not_too_long():
    for page in (p for p in PAGES if p.name != "cli.md"):
        for number, line in enumerate(page.read_text().splitlines(), 1):
            # Tables and error lines cannot be wrapped, and a command stays on one line.
            if not line.startswith(("|", "RecipeError", "python3 -m venv")):
                assert len(line) <= 100, f"{page.name}:{number}"


def test_commands_are_found():
    assert [c.text for c in commands(README)][:3] == [
        "python3 -m venv .venv",
        ". .venv/bin/activate",
        "pip install '.[viz]'",
    ]
