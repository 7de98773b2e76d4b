"""Tables of the streaming study, and all that it writes."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from rtwin.experiments.beliefs import REFERENCE
from rtwin.experiments.study_files import Cell, StudyResults, StudyTable, mean_rows
from rtwin.experiments.table import figure_of
from rtwin.streaming.decision import best_rate_hz
from rtwin.streaming.study.arrays import arrays_of
from rtwin.streaming.study.picture import pictures_of
from rtwin.streaming.study.runs import ARTICLE, DECIDES_ON, LEVELS, REPORT_S, SCHEMES, SEARCH, Run
from rtwin.streaming.study.study import Findings

KNOWLEDGE = ("true", "learned", "none")


def streaming_results(findings: Findings) -> StudyResults:
    """Everything that the study writes: tables, pictures, arrays."""
    study = findings.study
    asked = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(study).items()}
    asked["twins"] = {name: str(file) for name, file in study.twins.items()}
    weights = asdict(study.weights(study.price))
    asked |= {"weights": weights, "catalogue_hash": findings.catalogue.hash}
    tables = [
        _schemes(findings),
        _boxes(findings),
        _claims(findings),
        _radio(findings),
        _users(findings),
        _frontier(findings),
        _reservations(findings),
        _learned(findings),
        _value(findings),
        _deadlines(findings),
    ]
    return StudyResults(
        "streaming",
        f"Multicast short video on twins of {study.scene}",
        asked,
        [table for table in tables if table.rows],
        arrays_of(findings),
        pictures_of(findings),
    )


def _of(runs: Sequence[Run], part: str, name: str, price: float | None = None) -> list[Run]:
    return [
        r for r in runs if r.part == part and r.name == name and (price is None or r.price == price)
    ]


def _figures(runs: Sequence[Run], names: Sequence[str]) -> dict[str, Cell]:
    return {name: figure_of([r.figures[name] for r in runs]) for name in names}


def _schemes(findings: Findings) -> StudyTable:
    columns = (
        "satisfaction",
        "consumption",
        "computing",
        "utility",
        "left_out",
        "late",
        "groups",
        "demand_error",
        "decision_s",
    )
    rows = [
        {"scheme": name} | _figures(_of(findings.runs, "schemes", name), columns)
        for name in SCHEMES
    ]
    return StudyTable(
        "schemes",
        "Schemes, deciding on the corrected twin",
        rows,
        {"groups": 1},
        "Means over users and intervals, ± 95 % over seeds. Utility: satisfaction less the prices "
        "of blocks and cycles. left_out: users with next to no satisfaction. late: share of bits "
        f"after their deadline. {ARTICLE} is the article's scheme.",
    )


def _boxes(findings: Findings) -> StudyTable:
    rows: list[dict[str, Cell]] = []
    for name in SCHEMES:
        own = _of(findings.runs, "schemes", name)
        row: dict[str, Cell] = {"scheme": name}
        for what in ("satisfaction", "consumption"):
            values = np.concatenate([getattr(r, what) for r in own])
            marks = np.percentile(values, (0, 25, 50, 75, 100))
            row[f"{what}: min Q1 median Q3 max"] = " ".join(f"{v:.2f}" for v in marks)
        users = np.percentile(np.concatenate([r.users for r in own]), (25, 50, 75))
        row["users: Q1 median Q3"] = " ".join(f"{v:.2f}" for v in users)
        rows.append(row)
    return StudyTable("boxes", "What the boxes show, over intervals and over users", rows)


def paired(ours: Sequence[Run], theirs: Sequence[Run], what: str) -> list[float]:
    """Differences of a figure, seed by seed."""
    other = {r.seed: r.figures[what] for r in theirs}
    return [r.figures[what] - other[r.seed] for r in ours if r.seed in other]


def _claims(findings: Findings) -> StudyTable:
    """The article's order: its scheme first in satisfaction, and sparing."""
    rows: list[dict[str, Cell]] = []
    for ours in (ARTICLE, SEARCH):
        for other in ("DBSCAN", "heuristic"):
            for what, better in (("satisfaction", 1), ("consumption", -1)):
                one, two = (_of(findings.runs, "schemes", n) for n in (ours, other))
                figure = figure_of(paired(one, two, what))
                sure = abs(figure.mean) > figure.half_width
                as_said = "yes" if figure.mean * better > 0 else "no"
                verdict = as_said if sure else "not sure"
                rows.append(
                    {
                        "scheme": ours,
                        "against": other,
                        "of": what,
                        "difference": figure,
                        "as the article says": verdict,
                    }
                )
    return StudyTable(
        "claims",
        "The article's order: more satisfaction from fewer blocks",
        rows,
        notes="Paired by seed. Not sure: the interval holds 0, or there is one seed.",
    )


def _radio(findings: Findings) -> StudyTable:
    best = _of(findings.runs, "radio", REFERENCE)
    names = dict.fromkeys(r.name for r in findings.runs if r.part == "radio")
    parts = [(name, _of(findings.runs, "radio", name)) for name in names]
    parts.append((DECIDES_ON, _of(findings.runs, "schemes", SEARCH)))
    rows = []
    for name, own in parts:
        columns = ("channel_error_db", "satisfaction", "consumption", "utility", "left_out", "late")
        row = {"decides on": name} | _figures(own, columns)
        row["regret"] = figure_of([-d for d in paired(own, best, "utility")])
        rows.append(row)
    rows.sort(key=lambda row: row["utility"].mean)  # type: ignore[union-attr]
    return StudyTable(
        "radio",
        f"What the radio twin is worth to the {SEARCH}",
        rows,
        {"channel_error_db": 1},
        "Scored on the reference. channel_error_db: of believed bits of a block. Every twin's "
        "error was found at check points and is allowed for. regret: utility lost against knowing "
        "the reference, paired by seed.",
    )


def _users(findings: Findings) -> StudyTable:
    rows = []
    learned = _of(findings.runs, "schemes", SEARCH)
    for name in KNOWLEDGE:
        own = learned if name == "learned" else _of(findings.runs, "users", name)
        row: dict[str, Cell] = {"knows of users": name}
        row |= _figures(own, ("satisfaction", "consumption", "utility", "demand_error"))
        row["utility above none"] = figure_of(
            paired(own, _of(findings.runs, "users", "none"), "utility")
        )
        rows.append(row)
    return StudyTable("users", f"What twins of users are worth to the {SEARCH}", rows)


def _frontier(findings: Findings) -> StudyTable:
    study = findings.study
    shown = [r for r in findings.runs if r.part == "frontier"]
    names = dict.fromkeys(r.scheme for r in shown)
    seeds = {r.seed for r in shown}
    shown += [
        r for r in findings.runs if r.part == "schemes" and r.scheme in names and r.seed in seeds
    ]
    rows: list[dict[str, Cell]] = []
    for price in sorted({*study.other_prices, study.price}):
        for name in names:
            own = [r for r in shown if r.scheme == name and r.price == price]
            columns = ("satisfaction", "consumption", "utility", "left_out")
            row: dict[str, Cell] = {"price": price, "scheme": name}
            rows.append(row | _figures(own, columns))
    return StudyTable(
        "frontier",
        "Satisfaction against consumption, over the price of all blocks",
        rows if names else [],
        {"price": 2},
        f"{len(seeds)} seeds.",
    )


def _reservations(findings: Findings) -> StudyTable:
    kept = [
        {"reservation": r["reservation"], "value": r["value"], "gap": r["gap"]}
        | {"time [ms]": r["time [ms]"]}
        for r in findings.reservations
    ]
    rows = mean_rows(kept, ["reservation"], ["value", "gap", "time [ms]"])
    return StudyTable(
        "reservations",
        "Reservations of the same groups",
        rows,
        {"value": 5, "gap": 5, "time [ms]": 1},
        f"{len({r['problem'] for r in findings.reservations})} cells. gap: to the dynamic "
        "programme; below 0 for the bound. Times are of this machine.",
    )


def _learned(findings: Findings) -> StudyTable:
    return StudyTable(
        "learned",
        "Choosing groups without a search",
        findings.learned,
        {"regret": 4, "time [ms]": 2},
        "Emulated worth of a cell lost against the search, on cells that nobody learned from.",
    )


def _value(findings: Findings) -> StudyTable:
    weights = findings.study.weights(findings.study.price)
    rows: list[dict[str, Cell]] = []
    for level in LEVELS:
        for report_s in REPORT_S:
            own = [
                r
                for r in findings.runs
                if r.part == "value" and r.level == level and r.report_s == report_s
            ]
            if own:
                row: dict[str, Cell] = {"level": level, "report every [s]": report_s}
                row |= _figures(own, ("satisfaction", "utility", "value"))
                rows.append(row)
    if not rows:
        return StudyTable("value", "", [])
    best = max(rows, key=lambda row: row["value"].mean)  # type: ignore[union-attr]
    rate = best_rate_hz(weights.tau_s)
    return StudyTable(
        "value",
        "The holistic value over how often and how finely users report",
        rows,
        {"report every [s]": 0},
        f"V = {weights.alpha:g} {weights.reading} + {weights.beta:g} Q - {weights.gamma:g} R, "
        f"tau {weights.tau_s:g} s; the fraction is a reading of ours. Largest at level "
        f"{best['level']} every {best['report every [s]']:g} s; F/f alone is largest every "
        f"{1 / rate:g} s.",
    )


def _deadlines(findings: Findings) -> StudyTable:
    keys = ("service", "interaction", "of the sphere", "rate [Mbit/s]", "deadline [ms]", "MHz")
    rows = mean_rows(findings.deadlines, keys, ("late", "kept"))
    for row in rows:
        # Of a few users in a few seconds: no interval is worth its name.
        row |= {name: row[name].mean for name in ("late", "kept")}  # type: ignore[union-attr]
    return StudyTable(
        "deadlines",
        "The article's services, one user with all blocks of its cell",
        rows,
        {"of the sphere": 2, "rate [Mbit/s]": 0, "deadline [ms]": 0, "MHz": 0},
        "On the ray-traced twin, single layer. late: share of bits after their deadline; kept: "
        "users whose promise was kept. A 30K stream needs more than 100 MHz of one layer, whole "
        "or what is looked at of it, since a frame must be through within its deadline.",
    )
