"""Keeps a worker alive over crashes and hangs, and counts what cases end in."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CASE_CPU_S = 120.0  # of the processor's time, after which a case hangs however busy the machine is
CASE_S = 900.0  # for one that waits for something that never comes


def _cpu_s(pid: int) -> float:
    """Processor time that a process has used [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Crew:
    """One worker, started anew where a case killed it.

    Attributes:
        fixtures: Folder of whole files.
        place: Folder for the cases; each is gone when it is done.
        failures: (kind, seed, what was wrong).
        counts: How often each kind was refused, accepted or failed.
    """

    fixtures: Path
    place: Path
    failures: list[tuple[str, int, str]] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _worker: Any = None

    def run(self, kind: str, seed: int, keep: bool = False) -> dict[str, Any]:
        """One case; what it came to."""
        folder = self.place / f"{kind.replace(' ', '-')}-{seed}"
        shutil.rmtree(folder, ignore_errors=True)
        request = {
            "kind": kind,
            "seed": seed,
            "fixtures": str(self.fixtures),
            "folder": str(folder),
        }
        answer = self._ask(json.dumps(request))
        for problem in answer["problems"]:
            self.failures.append((kind, seed, problem))
        result = (
            "failed" if answer["problems"] else "accepted" if answer["code"] == 0 else "refused"
        )
        self.counts[kind, result] += 1
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
        return answer

    def _ask(self, line: str) -> dict[str, Any]:
        if self._worker is None:
            self._worker = subprocess.Popen(
                [sys.executable, "-m", "tests.robustness.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
                env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)},
            )
        worker = self._worker
        worker.stdin.write(line.encode() + b"\n")
        worker.stdin.flush()
        start, used = time.monotonic(), _cpu_s(worker.pid)
        while not select.select([worker.stdout], [], [], 1.0)[0]:
            spent, waited = _cpu_s(worker.pid) - used, time.monotonic() - start
            if spent > CASE_CPU_S or waited > CASE_S:
                worker.kill()
                self.close()
                return {
                    "code": None,
                    "problems": [f"hangs ({spent:.0f} s of work, {waited:.0f} s)"],
                }
        text = worker.stdout.readline()
        if not text:
            self.close()
            return {"code": None, "problems": [f"the process died (status {worker.returncode})"]}
        return dict(json.loads(text))

    def close(self) -> None:
        """End the worker, its pipes included."""
        if self._worker is not None:
            with contextlib.suppress(BrokenPipeError):
                self._worker.stdin.close()
            self._worker.wait(60)
            self._worker.stdout.close()
            self._worker = None

    def table(self) -> str:
        """Counts by kind, as Markdown."""
        kinds = dict.fromkeys(kind for kind, _ in self.counts)
        lines = [
            "| input | cases | refused in a line | accepted | failed |",
            "|---|---|---|---|---|",
        ]
        total: Counter[str] = Counter()
        for kind in kinds:
            row = {name: self.counts[kind, name] for name in ("refused", "accepted", "failed")}
            total.update(row)
            lines.append(
                f"| {kind} | {sum(row.values())} | {row['refused']} | {row['accepted']} "
                f"| {row['failed']} |"
            )
        lines.append(
            f"| all | {sum(total.values())} | {total['refused']} | {total['accepted']} "
            f"| {total['failed']} |"
        )
        return "\n".join(lines)
