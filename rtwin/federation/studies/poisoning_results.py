"""The poisoning study's tables, arrays and picture."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray

from rtwin.experiments.study_files import Cell, StudyResults, StudyTable
from rtwin.experiments.table import Figure, figure_of
from rtwin.federation.defence import KNOWS, RULES, default_rule
from rtwin.federation.studies.pictures import plot_rules
from rtwin.federation.studies.poisoning import CAP, PHASES, Outcome, PoisoningStudy

_TITLES = {"V": "Building (V phase)", "H": "Upkeep (H phase)"}
NONE = ("none", 0.0)


def poisoning_results(
    study: PoisoningStudy, model: str, outcomes: Sequence[Outcome]
) -> StudyResults:
    """Everything that the study writes.

    Args:
        study: What was asked.
        model: Its name.
        outcomes: From run_poisoning.
    """
    columns = columns_of(study)
    found = figures_of(outcomes)
    rules = [r for r in study.rules if any(o.case.rule == r for o in outcomes)]
    tables = [
        StudyTable(
            f"{phase}-phase",
            _TITLES[phase],
            [_row(found, phase, rule, columns) for rule in rules],
            notes=_notes(study) if phase == PHASES[-1] else "",
        )
        for phase in PHASES
    ]
    knows: list[dict[str, Cell]] = [{"attack": a, "knows": KNOWS[a]} for a in study.attacks]
    tables.append(StudyTable("attacks", "What the liars know", knows))
    errors = {
        _TITLES[phase]: np.array([[found[phase, r, *c].mean for c in columns] for r in rules])
        for phase in PHASES
    }
    labels = [_label(column) for column in columns]
    return StudyResults(
        "poisoning",
        f"Liars among stations that learn a {model} forecaster together",
        asdict(study) | {"model": model, "default_rule": default_rule(bool(study.root_cells))},
        tables,
        _arrays(study, outcomes),
        {"rules": plot_rules(errors, rules, labels)},
    )


def columns_of(study: PoisoningStudy) -> list[tuple[str, float]]:
    """Attack and share of fakes of every column, without an attack first."""
    return [NONE, *((attack, share) for attack in study.attacks for share in study.fakes)]


def figures_of(outcomes: Sequence[Outcome]) -> dict[tuple[Any, ...], Figure]:
    """Mean and interval over seeds by phase, rule, attack and share."""
    groups: dict[tuple[Any, ...], list[float]] = {}
    for o in outcomes:
        groups.setdefault((o.phase, o.case.rule, o.case.attack, o.case.share), []).append(o.mae)
    return {key: figure_of(values) for key, values in groups.items()}


def worst_loss(
    found: dict[tuple[Any, ...], Figure],
    phase: str,
    rule: str,
    columns: Sequence[tuple[str, float]],
) -> float:
    """How much larger the error is under the worst attack than without one [%]."""
    calm = found[phase, rule, *NONE].mean
    return 100.0 * (max(found[phase, rule, *c].mean for c in columns) / calm - 1.0)


def _label(column: tuple[str, float]) -> str:
    attack, share = column
    return attack if share == 0 else f"{attack} {100 * share:.0f} %"


def _row(
    found: dict[tuple[Any, ...], Figure],
    phase: str,
    rule: str,
    columns: Sequence[tuple[str, float]],
) -> dict[str, Cell]:
    row: dict[str, Cell] = {"rule": rule, "breaks down at": RULES[rule].breakdown}
    row |= {_label(column): found[phase, rule, *column] for column in columns}
    worst = worst_loss(found, phase, rule, columns)
    row["worst over none"] = f"+{worst:.1f} %" if worst < 1000 else "broken"
    return row


def _notes(study: PoisoningStudy) -> str:
    root = (
        f"The server's own clean data: the last {study.root_days} days of {study.root_cells} cells."
        if study.root_cells
        else "The server has no clean data; rules that need some are left out."
    )
    return (
        f"MAE in standard deviations of each cell; {CAP:.0f} stands for larger or no number. "
        f"{root} The default here is `{default_rule(bool(study.root_cells))}`."
    )


def _arrays(study: PoisoningStudy, outcomes: Sequence[Outcome]) -> xarray.Dataset:
    """MAE by phase, rule, attack, fakes and seed; NaN where there is none."""
    coords: dict[str, list[Any]] = {
        "phase": list(PHASES),
        "rule": list(study.rules),
        "attack": ["none", *study.attacks],
        "fakes": [0.0, *study.fakes],
        "seed": list(range(1, study.seeds + 1)),
    }
    values = np.full([len(v) for v in coords.values()], np.nan)
    steps = max((len(o.by_step) for o in outcomes), default=0)
    curves = np.full((*values.shape, steps), np.nan)
    for o in outcomes:
        key = (o.phase, o.case.rule, o.case.attack, o.case.share, o.seed)
        place = tuple(known.index(k) for known, k in zip(coords.values(), key, strict=True))
        values[place] = o.mae
        curves[place][: len(o.by_step)] = o.by_step
    dims, unit = tuple(coords), {"units": "standard deviations of the cell"}
    return xarray.Dataset(
        {"mae": (dims, values, unit), "mae_by_round": ((*dims, "round"), curves, unit)},
        coords={**coords, "round": np.arange(steps)},
    )
