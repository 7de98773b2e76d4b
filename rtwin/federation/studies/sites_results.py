"""The tables, arrays and picture of the study of sites."""

from dataclasses import asdict
from typing import Any

import numpy as np
import xarray

from rtwin.calibration.physics.fitting import SEEN
from rtwin.experiments.study_files import Cell, StudyResults, StudyTable
from rtwin.federation.studies.pictures import plot_sites
from rtwin.federation.studies.sites import KINDS, SitesOutcome, SitesStudy

_LABELS = {"relative_permittivity": "permittivity", "conductivity_s_per_m": "conductivity [S/m]"}


def sites_results(study: SitesStudy, outcome: SitesOutcome) -> StudyResults:
    """Everything that the study writes.

    Args:
        study: What was asked.
        outcome: From run_sites.
    """
    rows = {who: _rows(outcome, who) for who in outcome.found}
    every = [(m, kind) for m in sorted(outcome.truth) for kind in KINDS]
    # Sites in Munich alone have no brick.
    keys = [key for key in every if any(key in found for found in rows.values())]
    values: list[dict[str, Cell]] = []
    for material, kind in keys:
        prior = next(r[material, kind]["prior"] for r in rows.values() if (material, kind) in r)
        line: dict[str, Cell] = {
            "parameter": f"{material}, {_LABELS[kind]}",
            "truth": f"{outcome.truth[material][kind]:.3g}",
            "prior": f"{prior:.3g}",
        }
        for who, found in rows.items():
            line[who] = _verdict(found.get((material, kind)), outcome.truth[material][kind])
        values.append(line)
    scores = [_score(outcome, who, rows, keys) for who in rows]
    tables = [
        StudyTable(
            "parameters",
            "Values, with 90 % ranges where the data see them",
            values,
            notes="one of n values: sharp, but n differ and fit about as well. (!): seen, and the "
            "truth lies outside the range.",
        ),
        StudyTable("scores", "Who sees what", scores, {"error": 2}),
    ]
    return StudyResults(
        "sites",
        "Materials that sites calibrate together, against a known truth",
        asdict(study) | {"truth": outcome.truth},
        tables,
        _arrays(outcome, rows, keys),
        {"parameters": plot_sites(outcome.truth, rows, keys)},
    )


def _rows(outcome: SitesOutcome, who: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["target"], row["kind"]): row for row in outcome.found[who].rows()}


def _is_wrong(row: dict[str, Any], truth: float) -> bool:
    return bool(row["identified"]) and not row["low"] <= truth <= row["high"]


def _verdict(row: dict[str, Any] | None, truth: float) -> str:
    if row is None:
        return "not there"
    if row["posterior_over_prior"] <= SEEN and row["rivals"]:
        return f"one of {1 + len(row['rivals'])} values"
    if not row["identified"]:
        return "not seen"
    mark = " (!)" if _is_wrong(row, truth) else ""
    return f"{row['value']:.3g} ({row['low']:.3g} to {row['high']:.3g}){mark}"


def _score(
    outcome: SitesOutcome,
    who: str,
    rows: dict[str, dict[tuple[str, str], dict[str, Any]]],
    keys: list[tuple[str, str]],
) -> dict[str, Cell]:
    """Seen, wrong, and the mean error of ln(value) with the prior where nothing is seen."""
    found, off = rows[who], []
    for material, kind in keys:
        row, truth = found.get((material, kind)), outcome.truth[material][kind]
        prior = next(r[material, kind]["prior"] for r in rows.values() if (material, kind) in r)
        value = row["value"] if row is not None and row["identified"] else prior
        off.append(abs(np.log(value / truth)))
    seen = [key for key in keys if key in found and found[key]["identified"]]
    shared = outcome.found[who]
    return {
        "calibrated": who,
        "parameters seen": len(seen),
        "seen wrongly": sum(_is_wrong(found[m, k], outcome.truth[m][k]) for m, k in seen),
        "error": float(np.mean(off)),
        "exchanges": shared.rounds if who in outcome.joint else 0,
        "sent [bytes]": shared.sent_bytes if who in outcome.joint else 0,
    }


def _arrays(
    outcome: SitesOutcome,
    rows: dict[str, dict[tuple[str, str], dict[str, Any]]],
    keys: list[tuple[str, str]],
) -> xarray.Dataset:
    """Value, range and verdict by who calibrated and parameter; NaN where a material is absent."""
    names = ("value", "low", "high", "posterior_over_prior", "identified")
    arrays: dict[str, Any] = {}
    for name in names:
        values = [
            [float(r[key][name]) if key in r else np.nan for key in keys] for r in rows.values()
        ]
        arrays[name] = (("calibrated", "parameter"), np.array(values))
    arrays["truth"] = ("parameter", np.array([outcome.truth[m][k] for m, k in keys]))
    coords = {"calibrated": list(rows), "parameter": [f"{m} {k}" for m, k in keys]}
    return xarray.Dataset(arrays, coords=coords)
