"""The study's tables: means over seeds with 95 % intervals, as Markdown, CSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from rtwin.caching.study.rows import AXES, BOUND, TWIN, Run
from rtwin.caching.study.runs import Findings
from rtwin.dataset.store import provenance
from rtwin.experiments.table import Figure, figure_of

FORMAT = "rtwin-caching-1"
# heading: value of a run, its factor, decimals
Column = tuple[str, Callable[[Run, dict[int, float]], float], float, int]
COLUMNS: tuple[Column, ...] = (
    ("hit rate [%]", lambda run, bound: run.hit_rate, 100.0, 1),
    ("byte hit rate [%]", lambda run, bound: run.byte_hit_rate, 100.0, 1),
    ("regret to Belady [%]", lambda run, bound: bound[run.seed] - run.hit_rate, 100.0, 1),
)
SAFETY: tuple[Column, ...] = (
    ("hit rate [%]", lambda run, bound: run.hit_rate, 100.0, 1),
    ("at overloaded stations [%]", lambda run, bound: run.overload, 100.0, 1),
    ("Jain", lambda run, bound: run.jain, 1.0, 3),
    ("handed over / 1000", lambda run, bound: run.shield, 1.0, 1),
    ("kept / 1000", lambda run, bound: run.mask, 1.0, 1),
)


def figures(findings: Findings, part: str, columns: Sequence[Column]) -> dict[str, list[Figure]]:
    """Figures of each policy of a part, in the order of the runs."""
    bounds = _bounds(findings, part)
    own = [run for run in findings.runs if run.part == part]
    out: dict[str, list[Figure]] = {}
    for policy in dict.fromkeys(run.policy for run in own):
        runs = [run for run in own if run.policy == policy]
        out[policy] = [figure_of([column[1](run, bounds) for run in runs]) for column in columns]
    return out


def _bounds(findings: Findings, part: str) -> dict[int, float]:
    return {r.seed: r.hit_rate for r in findings.runs if r.part == part and r.policy == BOUND}


def _table(rows: dict[str, list[Figure]], columns: Sequence[Column]) -> str:
    lines = ["| policy | " + " | ".join(head for head, *_ in columns) + " |"]
    lines.append("|" + "---|" * (len(columns) + 1))
    for policy, found in rows.items():
        cells = [
            figure.text(factor, decimals)
            for figure, (_, _, factor, decimals) in zip(found, columns, strict=True)
        ]
        lines.append(f"| {policy} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def axis_table(findings: Findings, part: str) -> str:
    """Hit rate [%] along the history or the slots."""
    usual = getattr(findings.study, part)
    by = {
        (run.policy, run.setting.get(part, usual), run.seed): run.hit_rate
        for run in findings.runs
        if run.part in (part, "walking")
    }
    values = sorted({value for _, value, _ in by})
    lines = [f"| hit rate [%] with {part} | " + " | ".join(str(v) for v in values) + " |"]
    lines.append("|" + "---|" * (len(values) + 1))
    seeds = range(findings.study.seeds)
    for policy in AXES:
        cells = [
            figure_of([by[policy, value, seed] for seed in seeds]).text(100.0, 1)
            for value in values
        ]
        lines.append(f"| {policy} | " + " | ".join(cells) + " |")
    gains = [
        figure_of([by[TWIN, v, s] - by["LFU", v, s] for s in seeds]).text(100.0, 1) for v in values
    ]
    lines.append("| twin minus LFU, of each seed | " + " | ".join(gains) + " |")
    return "\n".join(lines)


def claims(findings: Findings) -> list[tuple[str, str, Figure]]:
    """The article's order, as differences of each seed: name, what is claimed, found."""
    out = []
    for part, where in (("reliable", "users who walk"), ("drifting", "memoryless drift")):
        by = {(r.policy, r.seed): r for r in findings.runs if r.part == part}
        seeds = sorted({seed for _, seed in by})
        for what, one, other, value, claim in _CLAIMS if seeds else ():
            gap = figure_of([value(by[one, s]) - value(by[other, s]) for s in seeds])
            out.append((f"{where}: {what} of {one} minus {other}", claim, gap))
    return out


def _hits(run: Run) -> float:
    return 100.0 * run.hit_rate


def _overload(run: Run) -> float:
    return 100.0 * run.overload


def _touched(run: Run) -> float:
    return run.shield + run.mask


_CLAIMS = (
    ("hits [points]", "RL w/ twin", "RL", _hits, ">= 0"),
    ("hits [points]", "reliable RL w/ twin", "reliable RL", _hits, ">= 0"),
    ("overload [points]", "reliable RL", "RL", _overload, "< 0"),
    ("interventions [per 1000]", "reliable RL w/ twin", "reliable RL", _touched, "< 0"),
)


def verdict(claim: str, figure: Figure) -> str:
    """Whether a claim holds beyond its interval; one seed has none."""
    if math.isnan(figure.half_width):
        return "one seed"
    sign = -1.0 if claim.startswith("<") else 1.0
    value, width = sign * figure.mean, figure.half_width
    if value > width:
        return "holds"
    if value < -width:
        return "does not hold"
    return "no difference seen"


def markdown(findings: Findings) -> str:
    """All tables under headings."""
    parts = [
        "## Users who walk: what is kept\n",
        _table(figures(findings, "walking", COLUMNS), COLUMNS),
        "\n## Users who walk: safety and learning\n",
        _table(figures(findings, "reliable", SAFETY), SAFETY),
        "\n## Users who walk: modules switched one by one\n",
        _table(figures(findings, "modules", SAFETY), SAFETY),
        "\n## Length of the history\n",
        axis_table(findings, "history"),
        "\n## Slots\n",
        axis_table(findings, "slots"),
        "\n## Surprise of a request\n",
        _losses(findings),
    ]
    if any(run.part == "drifting" for run in findings.runs):
        parts += [
            "\n## The control: memoryless drift\n",
            _table(figures(findings, "drifting", SAFETY), SAFETY),
        ]
    parts += ["\n## The article's order\n", _claims(findings)]
    if findings.gateway:
        rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in findings.gateway.items())
        parts += ["\n## A gateway's log\n", f"| what | value |\n|---|---|\n{rows}"]
    return "\n".join(parts) + "\n"


def _losses(findings: Findings) -> str:
    lines = ["| forecast | log loss [nat] |", "|---|---|"]
    for name, values in findings.log_loss.items():
        lines.append(f"| {name} | {figure_of(values).text(1.0, 3)} |")
    return "\n".join(lines)


def _claims(findings: Findings) -> str:
    lines = ["| difference | claimed | found | |", "|---|---|---|---|"]
    for name, claim, figure in claims(findings):
        lines.append(f"| {name} | {claim} | {figure.text(1.0, 2)} | {verdict(claim, figure)} |")
    return "\n".join(lines)


def csv_text(findings: Findings) -> str:
    """Every run in a line."""
    text = io.StringIO()
    names = ("part", "policy", "seed", "hit_rate", "byte_hit_rate", "overload", "jain")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, "shield_per_1000", "mask_per_1000", "slots", "history"])
    for run in findings.runs:
        study = findings.study
        setting = [run.setting.get("slots", study.slots), run.setting.get("history", study.history)]
        writer.writerow([*(getattr(run, name) for name in names), run.shield, run.mask, *setting])
    return text.getvalue()


def json_report(findings: Findings) -> dict[str, Any]:
    """Everything: what was asked, every run, losses and facts."""
    asked = {
        key: str(value) if key in ("trace", "twin", "ways", "requests") and value else value
        for key, value in asdict(findings.study).items()
    }
    report = {
        "format": FORMAT,
        "study": asked,
        "versions": provenance(),
        "facts": findings.facts,
        "log_loss": findings.log_loss,
        "gateway": findings.gateway,
        "runs": [asdict(run) for run in findings.runs],
    }
    return dict(json.loads(json.dumps(report), parse_constant=lambda name: None))
