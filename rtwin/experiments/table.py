"""Figures of an experiment: means over seeds with their confidence, as table, CSV and JSON."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rtwin.dataset.store import provenance
from rtwin.experiments.beliefs import REFERENCE, SlicingExperiment
from rtwin.experiments.fidelity import Run

CONFIDENCE = 0.95
# name in files: heading, factor, decimals
COLUMNS = {
    "gain_error_db": ("error [dB]", 1.0, 1),
    "right_cell": ("right cell [%]", 100.0, 0),
    "sla_violation": ("SLA violations [%]", 100.0, 1),
    "refused": ("refused [%]", 100.0, 1),
    "throughput_mbps": ("throughput [Mbit/s]", 1.0, 1),
    "reserved_share": ("reserved [%]", 100.0, 1),
    "used_share": ("used [%]", 100.0, 1),
    "regret": ("regret", 1.0, 3),
}


@dataclass(frozen=True)
class Figure:
    """A mean over seeds and half the width of its 95 % confidence interval."""

    mean: float
    half_width: float

    def text(self, factor: float, decimals: int) -> str:
        """The mean, and the interval if there are several seeds; "-" where there is none."""
        if np.isnan(self.mean):
            return "-"
        shown = f"{factor * self.mean:.{decimals}f}"
        if np.isnan(self.half_width):
            return shown
        return f"{shown} ± {factor * self.half_width:.{decimals}f}"


@dataclass(frozen=True)
class Row:
    """All figures of one policy on one knowledge."""

    policy: str
    knowledge: str
    figures: dict[str, Figure]


def figure_of(values: Sequence[float]) -> Figure:
    """Mean and confidence of values that are normally distributed around it.

    Source: Student's t distribution; checked by tests/experiments/test_fidelity.py.
    """
    found = np.asarray(values, np.float64)
    if len(found) < 2:
        return Figure(float(found.mean()), np.nan)
    from scipy.stats import t

    error = found.std(ddof=1) / np.sqrt(len(found))
    return Figure(float(found.mean()), float(t.ppf(0.5 + CONFIDENCE / 2, len(found) - 1) * error))


def rows_of(runs: Sequence[Run]) -> list[Row]:
    """Figures of every policy and knowledge, in the order of the runs.

    The regret of a run is what the same policy gains per epoch in the same
    world when it knows the reference itself.
    """
    best = {(r.seed, r.policy): r.episode.reward for r in runs if r.knowledge == REFERENCE}
    keys = dict.fromkeys((r.policy, r.knowledge) for r in runs)
    rows = []
    for policy, knowledge in keys:
        own = [r for r in runs if (r.policy, r.knowledge) == (policy, knowledge)]
        figures = {}
        for name in COLUMNS:
            if name == "regret":
                values = [best.get((r.seed, policy), np.nan) - r.episode.reward for r in own]
            elif name in ("gain_error_db", "right_cell"):
                values = [getattr(r, name) for r in own]
            else:
                values = [getattr(r.episode, name) for r in own]
            figures[name] = figure_of(values)
        rows.append(Row(policy, knowledge, figures))
    return rows


def markdown_table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table; ± is half the width of the 95 % interval over seeds."""
    shown = dict(COLUMNS)
    if not any(row.figures["refused"].mean for row in rows):
        del shown["refused"]
    heads = ["policy", "decides on", *(head for head, _, _ in shown.values())]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        cells = [
            row.figures[name].text(factor, decimals)
            for name, (_, factor, decimals) in shown.items()
        ]
        lines.append("| " + " | ".join([row.policy, row.knowledge, *cells]) + " |")
    return "\n".join(lines)


def csv_table(rows: Sequence[Row]) -> str:
    """The rows as CSV: for each figure its mean and half width, in plain units."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [f"{name}{end}" for name in COLUMNS for end in ("", "_half_width")]
    writer.writerow(["policy", "knowledge", *names])
    for row in rows:
        figures = [row.figures[name] for name in COLUMNS]
        values = [v for f in figures for v in (f.mean, f.half_width)]
        cells = ["" if np.isnan(v) else repr(v) for v in values]
        writer.writerow([row.policy, row.knowledge, *cells])
    return text.getvalue()


def json_report(experiment: SlicingExperiment, runs: Sequence[Run]) -> dict[str, Any]:
    """Everything: what was asked, every run of every seed, and the table."""
    asked = asdict(experiment)
    asked["scene"], asked["users"] = str(experiment.scene), dict(experiment.users)
    for name in ("ways", "reference"):
        asked[name] = None if asked[name] is None else str(asked[name])
    asked["twins"] = {name: str(file) for name, file in experiment.twins.items()}
    every = []
    for run in runs:
        data = asdict(run)
        data["episode"]["sla_violation_by_slice"] = {
            name: float(value)
            for name, value in zip(
                experiment.users, run.episode.sla_violation_by_slice, strict=True
            )
        }
        every.append(data)
    table = [
        {"policy": row.policy, "knowledge": row.knowledge}
        | {name: asdict(figure) for name, figure in row.figures.items()}
        for row in rows_of(runs)
    ]
    report = {
        "format": "rtwin-slicing-1",
        "experiment": asked,
        "versions": provenance(),
        "runs": every,
        "table": table,
    }
    return dict(json.loads(json.dumps(report), parse_constant=lambda name: None))
