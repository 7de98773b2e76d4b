"""The traffic study's tables, arrays and pictures."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import xarray

from rtwin.experiments.study_files import Cell, StudyResults, StudyTable, mean_rows
from rtwin.experiments.table import figure_of
from rtwin.federation.learning import Clusters
from rtwin.federation.studies.history import LEARNERS, Learned
from rtwin.federation.studies.pictures import plot_clusters, plot_costs, plot_forecast
from rtwin.federation.studies.traffic import Scheme, TrafficStudy
from rtwin.federation.traffic import Traffic

ARTICLE_SAVING = 43.8  # %, of time, "relative to the baseline, single-level scheme"
_BEST = "asynchronous, clustered (H-twin)"
_COLUMNS = ("MAE", "MSE", "NRMSE [%]", "covered [%]", "edge [MB]", "core [MB]")
_TIMES = ("wall [s]", "processor [s]")
_DECIMALS = {"NRMSE [%]": 2, "covered [%]": 1, "edge [MB]": 2, "core [MB]": 3} | dict.fromkeys(
    _TIMES, 0
)
_UNITS = (
    "MAE and MSE in standard deviations of each cell; NRMSE of counts over each cell's range; "
    "covered: by intervals that mean 90 %. Bytes, wall clock and processor time are computed "
    "from the study's rates, not taken by a watch: see rtwin.federation.learning.cost."
)


def traffic_results(
    study: TrafficStudy,
    traffic: Traffic,
    model: str,
    schemes: Sequence[Scheme],
    clusters: Clusters,
    history: Sequence[Learned] = (),
    holidays: Sequence[dict[str, Cell]] = (),
) -> StudyResults:
    """Everything that the study writes.

    Args:
        study: What was asked.
        traffic: What was learned from.
        model: Its name.
        schemes, clusters: From run_traffic.
        history: From run_history.
        holidays: From run_holidays.
    """
    rows = [_row(scheme) for scheme in schemes]
    built = [row for row in rows if row["phase"] == "V"]
    kept = [row for row in rows if row["phase"] == "H"]
    columns = (*_COLUMNS, *_TIMES)
    tables = [
        StudyTable(
            "building",
            "Building (V-twin)",
            mean_rows(built, ["scheme"], columns),
            _DECIMALS,
            _UNITS,
        ),
        StudyTable(
            "keeping",
            "A week of upkeep (H-twin)",
            mean_rows(kept, ["drift", "scheme"], columns),
            _DECIMALS,
        ),
        StudyTable(
            "saving",
            "Built and kept in clusters, against a single level",
            saving_rows(schemes),
            {"saved [%]": 1, "error against it [%]": 1},
            f"The article reports {ARTICLE_SAVING} % of time. Here wall clock is that of building "
            "and of a week of upkeep without drift.",
        ),
    ]
    if history:
        tables.append(_history_table(history))
    if holidays:
        tables.append(
            StudyTable("holidays", "December, day by day: MAE of three cells", list(holidays))
        )
    first = [s for s in schemes if s.seed == 1]
    pictures = {
        "costs": plot_costs(first),
        "forecast": plot_forecast(
            next(s for s in first if s.name == _BEST and s.drift == study.drifts[0]), traffic
        ),
        "clusters": plot_clusters(clusters, traffic),
    }
    asked = asdict(study) | {"model": model, "cells": list(traffic.cells), "days": traffic.num_days}
    return StudyResults(
        "traffic",
        f"Traffic of {len(traffic.cells)} cells, forecast by {model} twins",
        asked,
        tables,
        _arrays(schemes, traffic),
        pictures,
    )


def _row(scheme: Scheme) -> dict[str, Cell]:
    cost = scheme.cost
    return {
        "phase": scheme.phase,
        "drift": scheme.drift,
        "scheme": scheme.name,
        "MAE": scheme.mae,
        "MSE": scheme.mse,
        "NRMSE [%]": 100.0 * scheme.nrmse,
        "covered [%]": 100.0 * scheme.covered,
        "edge [MB]": cost.edge_bytes / 1e6,
        "core [MB]": cost.core_bytes / 1e6,
        "wall [s]": cost.wall_s,
        "processor [s]": cost.processor_s,
    }


def saving_rows(schemes: Sequence[Scheme]) -> list[dict[str, Cell]]:
    """What building and keeping in clusters saves against each reading of "single level".

    Returns:
        For each reading and resource: the share saved, and how much larger the error is.
    """
    seeds = sorted({s.seed for s in schemes})
    by = {(s.phase, s.drift, s.name, s.seed): s for s in schemes}
    rows: list[dict[str, Cell]] = []
    for baseline, reading in (
        ("flat, kept warm", "one flat federation, kept warm"),
        ("flat, from scratch", "a flat federation from scratch every day"),
        ("central rebuild", "a central model, rebuilt every day"),
    ):
        start = "central" if baseline.startswith("central") else "flat, synchronous"
        for label, unit in (("wall clock", "wall_s"), ("core bytes", "core_bytes")):
            saved, worse = [], []
            for seed in seeds:
                ours = (
                    by["V", "none", "clustered, synchronous (V-twin)", seed],
                    by["H", "none", _BEST, seed],
                )
                theirs = by["V", "none", start, seed], by["H", "none", baseline, seed]
                one = sum(getattr(s.cost, unit) for s in ours)
                other = sum(getattr(s.cost, unit) for s in theirs)
                saved.append(100.0 * (1.0 - one / other))
                worse.append(100.0 * (ours[1].mae / theirs[1].mae - 1.0))
            rows.append(
                {
                    "single level": reading,
                    "of": label,
                    "saved [%]": figure_of(saved),
                    "error against it [%]": figure_of(worse),
                }
            )
    return rows


def _history_table(history: Sequence[Learned]) -> StudyTable:
    rows: list[dict[str, Cell]] = []
    for days in dict.fromkeys(h.days for h in history):
        row: dict[str, Cell] = {"days of its own": days}
        for learner in LEARNERS:
            own = [h.mae for h in history if h.days == days and h.learner == learner]
            row[learner] = figure_of(own)
        rows.append(row)
    return StudyTable(
        "history",
        "New cells: MAE by days of their own",
        rows,
        notes="A fifth of the cells is new, drawn anew for each seed.",
    )


def _arrays(schemes: Sequence[Scheme], traffic: Traffic) -> xarray.Dataset:
    """Raw figures by scheme, hour and cell."""
    names = [f"{s.phase}: {s.name}; {s.drift}; seed {s.seed}" for s in schemes]
    hours = len(schemes[0].forecast)
    dims = ("scheme", "hour", "cell")
    deviations = {"units": "standard deviations of the cell"}
    parts = {
        "forecast": np.stack([s.forecast for s in schemes]),
        "truth": np.stack([s.truth for s in schemes]),
        "half_width": np.stack([s.half_width for s in schemes]),
    }
    each = {
        "mae": ([s.mae for s in schemes], deviations),
        "edge_bytes": ([s.cost.edge_bytes for s in schemes], {"units": "B"}),
        "core_bytes": ([s.cost.core_bytes for s in schemes], {"units": "B"}),
        "wall_s": ([s.cost.wall_s for s in schemes], {"units": "s"}),
        "processor_s": ([s.cost.processor_s for s in schemes], {"units": "s"}),
    }
    return xarray.Dataset(
        {name: (dims, values.astype(np.float32), deviations) for name, values in parts.items()}
        | {name: ("scheme", np.array(values), unit) for name, (values, unit) in each.items()},
        coords={"scheme": names, "hour": np.arange(hours), "cell": list(traffic.cells)},
    )
