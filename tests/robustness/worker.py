"""Runs cases one after the other in a process of its own: one line of JSON in, one out."""

import contextlib
import io
import json
import os
import re
import resource
import sys
import traceback
from pathlib import Path
from typing import Any

MAX_BYTES = 2 * 2**30
_HARD_BYTES = 8 * 2**30
_KEPT = (".parts", ".steps", "lock")


def main() -> None:
    """Answer requests from stdin until it ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What libraries print must not stand among the answers.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    resource.setrlimit(resource.RLIMIT_DATA, (_HARD_BYTES, _HARD_BYTES))
    for line in sys.stdin:
        request = json.loads(line)
        answers.write(json.dumps(_answer(request)) + "\n")
        answers.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from .cases import make_case

    fixtures, folder = Path(request["fixtures"]), Path(request["folder"])
    arguments = make_case(request["kind"], request["seed"], fixtures, folder)
    before = _files(folder / "in")
    base = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    os.chdir(folder / "out")
    code, out, err, trace = run_command(arguments)
    os.chdir("/")
    peak = _memory("VmHWM")
    problems = []
    if trace:
        problems.append(f"traceback: {trace}")
    if peak > MAX_BYTES:
        problems.append(f"memory: {peak / 2**20:.0f} MiB, {base / 2**20:.0f} MiB before")
    problems += _problems(folder, code, out, err, before)
    return {"code": code, "problems": problems, "arguments": arguments, "error": err[-400:]}


def run_command(arguments: list[str]) -> tuple[int, str, str, str]:
    """Exit status, stdout, stderr and the traceback, if there is one, of a command."""
    from rtwin.cli import main as rtwin

    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True)
    code, trace, old = 0, "", sys.argv
    sys.argv = ["rtwin", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            rtwin()
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
    except BaseException:
        code, trace = 1, _place(traceback.format_exc())
    finally:
        sys.argv = old
    texts = [stream.buffer.getvalue().decode(errors="replace") for stream in (out, err)]  # type: ignore[attr-defined]
    return code, texts[0], texts[1], trace


def _place(trace: str) -> str:
    """Where in rtwin an exception came from, and what it says."""
    lines = trace.strip().split("\n")
    own = [line.strip() for line in lines if "/rtwin/" in line and "File" in line]
    return f"{lines[-1][:200]} at {own[-1][-90:] if own else '?'}"


def _memory(name: str) -> int:
    text = Path("/proc/self/status").read_text()
    found = re.search(rf"{name}:\s+(\d+) kB", text)
    return 1024 * int(found.group(1)) if found else 0


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name != "lock":
            status = path.stat()
            found[str(path)] = (status.st_size, status.st_mtime_ns)
    return found


def _problems(
    folder: Path, code: int, out: str, err: str, before: dict[str, tuple[int, int]]
) -> list[str]:
    """What a command must not leave or say."""
    problems = []
    after = _files(folder / "in")
    for name, status in before.items():
        if after.get(name) != status:
            problems.append(f"input changed: {name}")
    written = [p for p in sorted((folder / "out").rglob("*")) if not p.is_dir()]
    written = [p for p in written if not any(part.endswith(_KEPT) for part in p.parts)]
    if code != 0:
        lines = [
            line
            for line in err.split("\n")
            if line and not line.startswith(("note:", "Usage")) and "━" not in line
        ]
        if "Usage:" not in err and "interrupted" not in err and len(lines) > 1:
            problems.append(f"several lines: {lines[0][:80]} | {lines[1][:120]}")
        if not err.strip() and "valid" not in out and not out.strip():
            problems.append("says nothing")
        new = [name for name in after if name not in before]
        if written or new:
            problems.append(f"left behind: {[str(p) for p in written][:3]}{new[:3]}")
    if re.search(r"\bTraceback\b", out + err):
        problems.append("prints a traceback")
    if code == 0:
        problems += _silent(written, out)
        warned = re.search(r"\w*Warning: .*", err)
        if warned:
            problems.append(f"warning: {warned.group(0)[:150]}")
    return problems


def _silent(written: list[Path], out: str) -> list[str]:
    """Numbers that are none, in what was written and said without a word."""
    from rtwin.dataset import validate_file

    problems = []
    if re.search(r"(?<![A-Za-z_])(nan|inf)(?![A-Za-z_])", out, re.IGNORECASE):
        line = next(x for x in out.split("\n") if re.search(r"nan|inf", x, re.IGNORECASE))
        problems.append(f"prints no number: {line[:100]}")
    for path in written:
        if path.suffix == ".h5":
            wrong = [
                p for p in validate_file(path) if re.search(r"holds (nan|-?inf)|content_hash", p)
            ]
            problems += [f"unreported: {line}" for line in wrong[:2]]
        if path.suffix == ".json" and re.search(r"\bNaN\b|\bInfinity\b", path.read_text()):
            problems.append(f"NaN in {path.name}")
        if path.stat().st_size == 0:
            problems.append(f"empty file: {path.name}")
        if ".tmp" in path.name:
            problems.append(f"temporary file: {path.name}")
    return problems


if __name__ == "__main__":
    main()
