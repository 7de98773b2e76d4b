"""Runs every command of README and docs once, in one temporary folder."""

import contextlib
import io
import shlex
import shutil
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rtwin.cli import main

from .markdown import DOCS, ROOT, blocks

# Later pages use files of earlier ones.
FIRST = [ROOT / "docs" / f"{name}.md" for name in ("recipes", "dataset", "method")]
README = ROOT / "README.md"
ALL_PAGES = [*FIRST, *(page for page in DOCS if page not in FIRST), README]
NOT_RUN = ("python3 -m venv", ". .venv/bin/activate", "pip install", "pytest", "python benchmarks/")


@dataclass(frozen=True)
class Command:
    """One command of a page."""

    page: str
    line: int
    text: str

    @property
    def is_rtwin(self) -> bool:
        return self.text.startswith("rtwin ")

    @property
    def is_slow(self) -> bool:
        return self.text.startswith(SLOW)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def commands(page: Path) -> Iterator[Command]:
    """The commands of a page's bash blocks, taken apart at `&&`."""
    for block in blocks(page):
        if block.language == "bash":
            for number, line in enumerate(block.text.splitlines()):
                for text in line.split(" && "):
                    yield Command(page.name, block.line + number, text)


ALL_COMMANDS = [command for page in ALL_PAGES for command in commands(page)]

FEW = {
    "ahead": [
        *("--duration", "4", "--window", "2", "--tuning", "1", "--points", "10"),
        *("--users", "embb=3", "--map-rays", "20000", "--workers", "1"),
    ],
    "caching": ["--history", "60", "--test", "60", "--users", "5", "--workers", "1"],
    "streaming": [
        *("--intervals", "3", "--users", "6", "--prices", "0.6"),
        *("--map-rays", "20000", "--workers", "1"),
    ],
    "userdata": [
        *("--intervals", "3", "--users", "12", "--map-rays", "20000"),
        *("--epsilons", "1", "--moves", "10"),
    ],
    "traffic": ["--rounds", "3", "--history", "1"],
    "poisoning": ["--rounds", "2", "--rules", "mean,biweight", "--attacks", "MPAF"],
    "trust": [],
    "privacy": ["--rounds", "2"],
    "networks": [
        *("--scenes", "1", "--edits", "4", "--truths", "2"),
        *("--rounds", "1", "--epochs", "1"),
    ],
}
# Studies whose amounts have other names than seeds.
SEEDLESS = {
    "deployment": ["--runs", "2", "--slots", "10"],
    "quality": [
        *("--scenes", "courtyard", "--seeds", "2", "--twins", "8", "--duration", "2"),
        *("--intervals", "3", "--map-rays", "20000"),
    ],
    "tiles": ["--runs", "1", "--slots", "6", "--cell-size", "6"],
    "sites": ["--sites", "canyon 3.5 GHz,canyon 2.1 GHz", "--points", "20", "--starts", "1"],
    "viewport": ["--horizons", "1", "--shares", "0.9", "--folds", "2"],
}
# What takes minutes with the least amounts, too: `pytest -m slow -n 0 tests/docs`.
SLOW = (
    "rtwin experiment quality",
    "rtwin experiment sites",
    "rtwin experiment networks",
    "rtwin experiment tiles",
    "rtwin experiment userdata",
    "rtwin calibrate street_canyon docs/drive.csv",
)
FEW_UNKNOWNS = "few/canyon"  # the shipped campaign with less to fit


def quick(words: list[str]) -> list[str]:
    """A command with less to do; nothing but amounts changes."""
    name = words[1]
    if name == "scene":
        # Several pages build the same map.
        return [*words, "--quiet", *(["--overwrite"] if words[2] == "build" else [])]
    if name == "horizontal":
        least = ["--scenes", "1", "--edits", "4", "--truths", "2", "--quiet"]
        return [*words, *least, *(["--epochs", "1"] if words[2] == "train" else [])]
    if name == "generate" and not words[2].endswith(".toml"):
        given = int(words[words.index("--receivers") + 1]) if "--receivers" in words else 1000
        return [*words, "--receivers", str(min(given, 20)), "--quiet"]
    if name == "generate":
        return [*words, "--quiet"]
    if name == "twin":
        given = {"--at", "--cell-size"} & set(words)
        return [*words, *([] if given else ["--cell-size", "8"]), "--quiet"]
    if name == "rehearse":
        return [*words[:-1], str(min(int(words[-1]), 8)), "--quiet"]
    if name == "update":
        return [*words, *(["--worlds", "30"] if "--measurements" in words else []), "--quiet"]
    if name == "radiomap":
        return [*words, "--rays", "20000", "--quiet"]
    if name == "serve":
        return [*words, "--list"]  # what listens does not end
    if name == "sample":
        return [*words, "--quiet"]
    if name in ("calibrate", "federate"):
        words = [FEW_UNKNOWNS if word == "canyon" else word for word in words]
    if name == "federate" and words[2] == "calibrate":
        return [*words, "--starts", "1", "--quiet"]
    if name == "experiment" and words[2] in SEEDLESS:
        return [*words, *SEEDLESS[words[2]], "--quiet"]
    if name == "experiment" and words[2] in FEW:
        return [*words, "--seeds", "1", *FEW[words[2]], "--quiet"]
    if name == "experiment":
        few = ["--seeds", "1", "--duration", "2", "--map-rays", "20000", "--users", "embb=3"]
        return [*words, *few, "--quiet"]
    if name == "calibrate":
        # Without its amounts the same command stands on several pages: the first one's is left.
        return [*words, "--quiet", "--repeats", "1", "--no-curve"]
    if name == "render":
        return [*words, "--width", "160", "--height", "100", "--samples", "4"]
    return words


def write_inputs(folder: Path) -> None:
    """What the commands read that no other command makes."""
    for page in ALL_PAGES:
        for block in blocks(page):
            if block.language == "toml" and block.text.startswith("# "):
                (folder / block.text.splitlines()[0][2:]).write_text(block.text)
    (folder / "docs").mkdir()
    for data in ("campus.osm", "courtyard_news.csv", "drive.csv"):
        shutil.copy(ROOT / "docs" / data, folder / "docs")
    shutil.copy(ROOT / "docs" / "campus.osm", folder)  # as examples of `--help` call it
    _few_unknowns(ROOT / "calibration" / "canyon", folder / FEW_UNKNOWNS)


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[Command, str]]:
    """The folder in which all commands ran, and what went wrong with each ("" for nothing)."""
    folder = tmp_path_factory.mktemp("docs")
    write_inputs(folder)
    outcome: dict[Command, str] = {}
    with contextlib.chdir(folder):
        for command in ALL_COMMANDS:
            if command.is_rtwin and not command.is_slow:
                words = quick(shlex.split(command.text))
                # The README's as a person runs them, the others without a start of their own.
                run = run_program if command.page == README.name else run_here
                outcome[command] = run(words)
    return folder, outcome


def _few_unknowns(campaign: Path, target: Path) -> None:
    """A campaign of which one kind of parameter is fitted, from one start."""
    shutil.copytree(campaign, target)
    file = target / "campaign.toml"
    all_of_them = 'parameters = ["relative_permittivity", "conductivity"]'
    text = file.read_text()
    assert all_of_them in text
    file.write_text(
        text.replace(all_of_them, 'parameters = ["conductivity"]\nstarts = 1\nrefined = 1')
    )


def run_program(words: list[str]) -> str:
    """Run a command in a process of its own; what went wrong, or ""."""
    program = Path(sys.executable).with_name("rtwin")
    run = subprocess.run([program, *words[1:]], capture_output=True, text=True)
    return "" if run.returncode == 0 else run.stderr[-2000:] or "no message"


def run_here(words: list[str]) -> str:
    """Run a command in this process; what went wrong, or ""."""
    said = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(said),
    ):
        patch.setattr(sys, "argv", words)
        try:
            main()
        except SystemExit as done:
            return "" if not done.code else said.getvalue() or "no message"
        except Exception:
            return traceback.format_exc()[-2000:]
    return ""


@pytest.fixture(scope="session")
def outputs(ran: tuple[Path, dict[Command, str]]) -> Path:
    """The folder with the files that the documented commands wrote."""
    return ran[0]
