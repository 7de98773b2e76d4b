"""How many random mutants of the package the tests notice.

    pip install '.[test]'
    python benchmarks/mutants.py [--near SECONDS] [--quick] [--draws 200] [--seed 1] [--most N]
                                 [-o results.jsonl] [PACKAGE ...]

Each mutant is one change (see mutation.py) at a place drawn at random over the package, drawing
aside. Tests that are near the changed module run first: those of its package that import it or what
uses it, beginning with those of its name and folder; then the rest of the package's tests and the
docs' tables, then those elsewhere that import it and those of the command line. The first test that
fails, or three times the time that those tests take, catches the mutant. The default run holds more
tests, and so catches at least as many.

With --near only the near tests run, first without those that trace or learn, then all, each time
for at most so many seconds of processor time: a mutant that no test has caught by then counts as
missed, although the whole run might catch it; with --quick as well, those that trace or learn are
left out, and what only they would catch counts as missed. With -o, what is done is kept and not
done again; --most ends a run after so many new ones. Prints what became of each mutant, and a
Markdown table by package.
"""

import argparse
import ast
import contextlib
import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from mutation import Point, mutated, points

ROOT = Path(__file__).resolve().parents[1]
PHYSICS = ROOT / "tests" / "physics"
COPIED = ("rtwin", "tests", "scenes", "calibration", "docs", "notebooks", "benchmarks")
COPIED_FILES = ("pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE")
DRAWING = {"plot", "view"}
DRAWING_FILES = {"drawing.py", "picture.py", "pictures.py", "render.py"}
# Imported once; a mutant's process begins with them. Not the engine, which has threads.
LOADED_BEFORE = [
    *("numpy", "scipy.optimize", "scipy.sparse", "scipy.interpolate", "scipy.special"),
    *("h5py", "xarray", "pydantic", "typer", "rich", "shapely", "trimesh", "pyproj"),
    *("sklearn", "networkx", "tomlkit", "matplotlib.pyplot"),
]
MOST_SECONDS = 900


def drawn(packages: list[str], draws: int, seed: int) -> list[tuple[Point, str]]:
    """Mutants, uniformly over all mutation points of the packages."""
    files = [f for f in sorted((ROOT / "rtwin").rglob("*.py")) if f.name not in DRAWING_FILES]
    files = [
        f for f in files if package(f) not in DRAWING and package(f) in (packages or [package(f)])
    ]
    everywhere = [point for file in files for point in points(file)]
    rng = random.Random(seed)
    chosen = rng.sample(everywhere, min(draws, len(everywhere)))
    return [(point, rng.choice(point.choices)) for point in chosen]


def package(file: Path) -> str:
    """The package of rtwin that a file belongs to."""
    return file.relative_to(ROOT / "rtwin").parts[0].removesuffix(".py")


@cache
def imported(file: Path) -> frozenset[Path]:
    """The files of rtwin and of the tests that a file takes something from.

    What comes out of a package's door is traced to the module that makes it.
    """
    found: set[Path] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(f for a in node.names if (f := _module(ROOT, a.name.split("."))))
        elif isinstance(node, ast.ImportFrom):
            base = file.parents[node.level - 1] if node.level else ROOT
            parts = node.module.split(".") if node.module else []
            for alias in node.names:
                found.update(_definers(base, parts, alias.name))
    return frozenset(found)


def _module(base: Path, parts: list[str]) -> Path | None:
    path = base.joinpath(*parts)
    choices = (path.with_suffix(".py"), path / "__init__.py")
    return next((p for p in choices if p.is_file() and ROOT in p.parents), None)


def _definers(base: Path, parts: list[str], name: str) -> Iterator[Path]:
    if deeper := _module(base, [*parts, name]):
        yield deeper
        return
    module = _module(base, parts) if parts else None
    if module is None:
        return
    yield module
    if module.name == "__init__.py":
        for node in ast.walk(ast.parse(module.read_bytes())):
            if isinstance(node, ast.ImportFrom) and name in {
                a.asname or a.name for a in node.names
            }:
                inside = module.parents[node.level - 1] if node.level else ROOT
                yield from _definers(inside, (node.module or "").split("."), name)


@cache
def test_imports(test: Path) -> frozenset[Path]:
    """What a test file imports, also through helpers and its folders' conftest files."""
    helpers = [f / "conftest.py" for f in test.parents if (f / "conftest.py").is_file()]
    helpers = [f for f in helpers if f.parent != ROOT / "tests"]
    helpers += [f for f in imported(test) if ROOT / "tests" in f.parents]
    return imported(test).union(*(imported(f) for f in helpers))


@cache
def users_of(file: Path) -> dict[Path, int]:
    """A module and those of its package that take something from it, by how many steps away."""
    modules = {m for m in (ROOT / "rtwin" / package(file)).rglob("*.py") if m.stem != "__init__"}
    found, new = {file: 0}, {file}
    while new:
        new = {m for m in modules - set(found) if new & imported(m)}
        found |= dict.fromkeys(new, max(found.values()) + 1)
    return found


def stages(file: Path) -> list[tuple[str, ...]]:
    """Tests for a changed module, near ones first; each stage is one run."""
    every = sorted((ROOT / "tests").rglob("test_*.py"))
    docs = [t for t in every if "docs" in t.parts]
    tests = [t for t in every if t not in docs and "robustness" not in t.parts]
    mirror = ROOT / "tests" / file.parent.relative_to(ROOT / "rtwin")
    layer = ROOT / "tests" / package(file)
    if not layer.is_dir():  # what every package may import
        layer = ROOT / "tests"

    def steps(test: Path) -> int:
        """How far the module is from what a test imports; 99 for out of reach."""
        return min((users_of(file).get(m, 99) for m in test_imports(test)), default=99)

    def near(test: Path) -> bool:
        if PHYSICS in test.parents:  # of what several packages compute together
            return steps(test) < 99
        return layer in test.parents and (file.stem in test.stem or steps(test) < 99)

    def rank(test: Path) -> tuple[bool, bool, int]:
        return (file.stem not in test.stem, mirror not in test.parents, steps(test))

    first = sorted(filter(near, tests), key=rank)
    second = [t for t in tests if layer in t.parents and t not in first]
    elsewhere = [t for t in tests if layer not in t.parents]
    third = [t for t in elsewhere if file in test_imports(t) or "cli" in t.parts]
    runs = [[str(t.relative_to(ROOT)) for t in stage] for stage in (first, second, third)]
    runs[1] += [name for test in docs for name in quick_tests(test)]
    return [tuple(run) for run in runs if run]


def quick_tests(test: Path) -> Iterator[str]:
    """Tests of the docs that need none of the documented commands to have run."""
    for node in ast.parse(test.read_bytes()).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            needs = {argument.arg for argument in node.args.args} & {"outputs", "ran", "command"}
            if not needs and test.stem not in ("test_notebooks", "test_commands"):
                yield f"{test.relative_to(ROOT)}::{node.name}"


def run_tests(tree: str, tests: list[str], log: str, near_s: int | None) -> None:
    """Run tests of a tree until the first failure; for a process of its own.

    Args:
        tests: Files and names, and options of pytest.
        near_s: Processor time that they may take [s].
    """
    os.setsid()
    if near_s is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (near_s, near_s + 5))
    os.chdir(tree)
    sys.path[:] = [tree, *(p for p in sys.path if Path(p or ".").resolve() != ROOT)]
    os.environ |= {"PYTHONPATH": tree, "OMP_NUM_THREADS": "1"}
    with open(log, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    import pytest

    options = ["-x", "-v", "-n0", "-p", "no:cacheprovider", "--no-header", "-rfE", "--tb=no"]
    code = pytest.main([*options, *tests])
    os._exit(0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else int(code))


class Workshop:
    """A copy of the tree in which one mutant at a time is made and tested."""

    def __init__(self, folder: Path, near_s: int | None, quick: bool = False):
        self.near_s = near_s
        self.quick = quick
        self.tree = folder / "tree"
        for name in COPIED:
            shutil.copytree(ROOT / name, self.tree / name, ignore=shutil.ignore_patterns("*.pyc"))
        for name in COPIED_FILES:
            shutil.copy(ROOT / name, self.tree)
        # Measured data that some tests read stand beside the repository, where they exist.
        with contextlib.suppress(OSError):
            (folder / "shared").symlink_to(ROOT.parent / "shared")
        self.log = folder / "log"
        self.log.touch()
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(LOADED_BEFORE)
        self.seconds: dict[tuple[str, ...], float] = {}
        self.failing: dict[tuple[str, ...], bool] = {}
        self.options: list[str] = []
        self.stamp = time.time()

    def outcome(self, point: Point, new: str) -> tuple[str, str]:
        """Whether a mutant is "caught", and by what test."""
        copy = self.tree / point.file.relative_to(ROOT)
        runs = self.stages(point.file)
        while runs:
            self.write(copy, mutated(point, new))
            code, said = self.run(runs[0], self.limit(runs[0]), self.near_s)
            waited_s = time.time() - self.log.stat().st_mtime
            self.write(copy, point.file.read_bytes())
            if code is None or code == -signal.SIGXCPU:
                if self.near_s is None or self.is_stuck(waited_s):
                    return "caught", "no end"
                return "missed", f"not within {self.near_s} s"
            if code and not self.fails_anyway(runs[0], said):
                return "caught", said
            if not code or said.startswith("exit"):
                runs = runs[1:]
        return "missed", ""

    def stages(self, file: Path) -> list[tuple[str, ...]]:
        """Runs for a changed module: all that concern it, or the near tests alone."""
        if self.near_s is None:
            return stages(file)
        near = stages(file)[0]
        return [("--quick", *near)] if self.quick else [("--quick", *near), near]

    def is_stuck(self, waited_s: float) -> bool:
        """Whether the test that was running needs far less time in the unchanged tree."""
        began = re.findall(
            r"^(tests/.+?::.+?)(?: (?:PASSED|SKIPPED|XFAIL).*)? *$",
            self.log.read_text(errors="replace"),
            re.M,
        )
        if not began:
            return False
        start = time.monotonic()
        code, _ = self.run((began[-1],), waited_s)
        return code == 0 and waited_s > 3 * (time.monotonic() - start)

    def limit(self, names: tuple[str, ...]) -> float:
        return min(MOST_SECONDS, 120 + 3 * self.seconds.get(names, MOST_SECONDS))

    def write(self, file: Path, content: bytes) -> None:
        """Write a module so that no cached bytecode of another version fits it."""
        file.write_bytes(content)
        self.stamp += 2
        os.utime(file, (self.stamp, self.stamp))

    def run(
        self, names: tuple[str, ...], limit: float, near_s: int | None = None
    ) -> tuple[int | None, str]:
        """Exit code (None: no end within the limit) and the first failure."""
        start = time.monotonic()
        given = (str(self.tree), [*names, *self.options], str(self.log), near_s)
        process = self.context.Process(target=run_tests, args=given)
        process.start()
        process.join(limit)
        code = process.exitcode
        if code is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # type: ignore[arg-type]
            process.join()
            return None, ""
        if code == 0:
            took = time.monotonic() - start
            self.seconds[names] = max(self.seconds.get(names, 0), took)
        lines = self.log.read_text(errors="replace").splitlines()
        failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
        return code, failed[0] if failed else f"exit code {code}"

    def fails_anyway(self, names: tuple[str, ...], said: str) -> bool:
        """Whether what failed also fails in the unchanged tree; if so, it is passed over."""
        test = re.match(r"(?:FAILED|ERROR) (.+?)(?: - .*)?$", said)
        which = (test[1],) if test and "::" in test[1] else ("--collect-only", *names)
        if which not in self.failing:
            code, _ = self.run(which, MOST_SECONDS)
            self.failing[which] = code != 0
            if test and code:
                self.options.append(f"--deselect={test[1]}")
        return self.failing[which]


def table(rows: Iterable[dict]) -> str:
    """Caught of drawn mutants by package, as Markdown."""
    total, caught = Counter[str](), Counter[str]()
    for row in rows:
        total[row["package"]] += 1
        caught[row["package"]] += row["outcome"] == "caught"
    lines = ["| package | drawn | caught | share |", "|---|---|---|---|"]
    for name in sorted(total):
        lines.append(
            f"| {name} | {total[name]} | {caught[name]} | {caught[name] / total[name]:.0%} |"
        )
    every, got = total.total(), caught.total()
    lines.append(f"| all | {every} | {got} | {got / max(every, 1):.1%} |")
    return "\n".join(lines)


def main() -> None:
    """Draw, test and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("packages", nargs="*", metavar="PACKAGE")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--near", type=int, metavar="SECONDS", help="near tests alone, so long")
    parser.add_argument("--quick", action="store_true", help="with --near: no tests that trace")
    parser.add_argument("--most", type=int, metavar="N", help="end after N that are not done yet")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    if given.quick and given.near is None:
        parser.error("--quick goes with --near")
    done: dict[str, dict] = {}
    if given.output and given.output.exists():
        done = {r["mutant"]: r for r in map(json.loads, given.output.read_text().splitlines())}
    rows = []
    with tempfile.TemporaryDirectory(prefix="mutants_") as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "bytecode")
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        workshop = Workshop(Path(folder), given.near, given.quick)
        new_ones = 0
        for number, (point, new) in enumerate(drawn(given.packages, given.draws, given.seed), 1):
            where = f"{point.file.relative_to(ROOT)}:{point.line}"
            mutant = f"{where}: {point.old!r} -> {new!r} (byte {point.start})"
            if mutant not in done:
                if new_ones == given.most:
                    break
                new_ones += 1
                start = time.monotonic()
                outcome, said = workshop.outcome(point, new)
                row = {"mutant": mutant, "package": package(point.file), "outcome": outcome}
                done[mutant] = row | {"by": said, "seconds": round(time.monotonic() - start, 1)}
                if given.output:
                    with given.output.open("a") as file:
                        file.write(json.dumps(done[mutant]) + "\n")
            rows.append(done[mutant])
            print(f"{number} {done[mutant]['outcome']} {mutant}", flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
