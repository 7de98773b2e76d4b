"""Keeps a worker alive over crashes and hangs, and counts what cases end in."""

import json
import os
import select
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CASE_S = 120.0  # after so long a case hangs; a busy machine takes a tenth of it at most


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
        if self._worker is None or self._worker.poll() is not None:
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
        ready, _, _ = select.select([worker.stdout], [], [], CASE_S)
        if not ready:
            worker.kill()
            worker.wait()
            return {"code": None, "problems": [f"hangs for more than {CASE_S:g} s"]}
        text = worker.stdout.readline()
        if not text:
            return {"code": None, "problems": [f"the process died (status {worker.wait()})"]}
        return dict(json.loads(text))

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None and self._worker.poll() is None:
            self._worker.stdin.close()
            self._worker.wait(60)

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
