"""No folder is left out: what is on disk is collected, checked, typed and shipped.

Tools pass over folders by their names: pytest over `build`, ruff over `dist`, Git over whatever an
ignore rule matches. Each test asks a tool what it sees and compares that with the disk.
"""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from mypy.find_sources import create_source_list
from mypy.main import process_options

from rtwin.calibration.campaign import list_campaigns
from rtwin.scene import list_scenes

from .docs import markdown

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
CODE = ("rtwin", "tests", "benchmarks", "docs", "notebooks")
# Tests are checked by being run, and notebooks are documents.
WITHOUT_TYPES = {"tests", "notebooks"}


def python_files(*folders):
    return {p for folder in folders for p in (ROOT / folder).rglob("*.py")}


def has_tests(file):
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return any(isinstance(n, ast.FunctionDef) and n.name.startswith("test_") for n in nodes)


def asked_for(config):
    """Files and folders that this run was asked for."""
    return [config.invocation_params.dir / arg.partition("::")[0] for arg in config.args]


def test_every_test_is_collected(request, collected_files):
    """In what this run was asked for: all of it, where `pytest` runs as it stands."""
    config = request.config
    narrowed = ("ignore", "ignore_glob", "deselect", "lf")
    if any(config.getoption(name) for name in narrowed):
        pytest.skip("this run leaves out files that it was told to")
    asked = [path.resolve() for path in asked_for(config)]
    wanted = {
        file
        for file in filter(has_tests, python_files("tests"))
        if any(file == path or path in file.parents for path in asked)
    }
    assert wanted
    assert wanted - collected_files == set()


def test_no_folder_of_tests_is_passed_over(request):
    """Pytest's own rules for what it passes over, on every folder and file of tests."""
    hook = request.config.hook.pytest_ignore_collect
    files = filter(has_tests, python_files("tests"))
    paths = {p for file in files for p in (file, *file.parents) if TESTS in p.parents}
    assert not [p for p in paths if hook(collection_path=p, config=request.config)]
    assert all(file.name.startswith("test_") for file in paths if file.is_file())


def test_every_folder_of_the_package_is_a_package():
    folders = {file.parent for file in python_files("rtwin")}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]


def test_tests_that_are_named_exist():
    named = re.compile(r"tests/[a-z_/0-9]+\.py")
    files = [*python_files("rtwin", "benchmarks", "notebooks"), *ROOT.glob("docs/*.md")]
    lost = {
        (str(file.relative_to(ROOT)), test)
        for file in files
        for test in named.findall(file.read_text(encoding="utf-8"))
        if not (ROOT / test).exists()
    }
    assert not lost


def test_git_ignores_no_source():
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a Git checkout")
    kinds = ("py", "js", "toml", "md", "csv", "npz", "osm", "ply", "html", "css")
    places = [f":(glob){folder}/**/*.{kind}" for folder in (*CODE, "scenes") for kind in kinds]
    command = ["git", "ls-files", "--others", "--ignored", "--exclude-standard", "--", *places]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == []


def test_ruff_reads_every_file():
    command = [sys.executable, "-m", "ruff", "check", "--show-files", ROOT]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert python_files(*CODE) - {Path(line) for line in run.stdout.splitlines()} == set()


def test_mypy_reads_every_file():
    found, options = process_options(["--config-file", str(ROOT / "pyproject.toml")])
    listed = {Path(source.path).parts[0] for source in found}
    assert listed == set(CODE) - WITHOUT_TYPES
    sources = create_source_list([str(ROOT / folder) for folder in sorted(listed)], options)
    assert python_files(*listed) == {Path(source.path) for source in sources}


def test_wheel_holds_every_file():
    shipped = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    inside = {"rtwin": "rtwin", "scenes": "rtwin/_scenes", "calibration": "rtwin/_campaigns"}
    for folder, name in inside.items():
        files = (p for p in (ROOT / folder).rglob("*") if p.is_file() and p.suffix != ".pyc")
        assert {f"{name}/{p.relative_to(ROOT / folder).as_posix()}" for p in files} <= shipped


@pytest.mark.parametrize(
    ("folder", "listed"),
    [
        ("scenes", [scene.name for scene in list_scenes()]),
        ("calibration", list_campaigns()),
    ],
)
def test_every_folder_of_data_is_listed(folder, listed):
    assert listed == sorted(p.name for p in (ROOT / folder).iterdir() if p.is_dir())


def test_every_page_and_notebook_is_run():
    assert {*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"} == set(markdown.PAGES)
    notebooks = {p for p in (ROOT / "notebooks").rglob("*") if "__pycache__" not in p.parts}
    assert notebooks == set((ROOT / "notebooks").glob("*.py"))
