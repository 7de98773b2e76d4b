"""The trust study's tables, arrays and picture."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray

from rtwin.experiments.study_files import Cell, StudyResults, StudyTable, mean_rows
from rtwin.federation.studies.pictures import plot_tampering
from rtwin.federation.studies.trust import Tampering, by_source
from rtwin.federation.traffic import Traffic

_COLUMNS = ("AUC", "precision", "recall", "clean", "poisoned", "replaced")


def trust_results(
    traffic: Traffic, asked: Mapping[str, Any], found: Sequence[Tampering]
) -> StudyResults:
    """Everything that the study writes.

    Args:
        traffic: What was tampered with.
        asked: What was asked, as plain data.
        found: From run_trust.
    """
    rows: list[dict[str, Cell]] = [
        {
            "tampering": t.kind,
            "AUC": t.auc,
            "precision": t.precision,
            "recall": t.recall,
            "clean": t.clean,
            "poisoned": t.poisoned,
            "replaced": t.replaced,
        }
        for t in found
    ]
    table = mean_rows(rows, ["tampering"], _COLUMNS)
    kinds = [str(row["tampering"]) for row in table]
    for row, kind in zip(table, kinds, strict=True):
        own = [t for t in found if t.kind == kind]
        hit, there = sum(t.liars_found for t in own), sum(t.liars for t in own)
        row["lasting liars found"] = f"{hit} of {there}" if there else "none there"
    means = [
        {
            key: float(np.mean([getattr(t, key) for t in found if t.kind == kind]))
            for key in ("clean", "poisoned", "replaced")
        }
        for kind in kinds
    ]
    shown = next((t for t in found if t.liars), found[0])
    names = [f"cell {cell}" for cell in traffic.cells]
    sources: list[dict[str, Cell]] = [
        {
            "source": str(row["source"]),
            "untrusted [%]": 100.0 * float(row["untrusted_share"]),
            "largest score": float(row["largest_score"]),
            "running sum": float(row["running_sum"]),
            "lasting liar": bool(row["is_liar"]),
        }
        for row in by_source(shown.verdict, names)
    ]
    decimals = {"untrusted [%]": 1, "largest score": 1, "running sum": 1}
    tables = [
        StudyTable(
            "tampering",
            "Tampering with the last week",
            table,
            {"AUC": 3, "precision": 2, "recall": 2},
            "Clean, poisoned, replaced: MAE of the forecast that follows, in standard deviations.",
        ),
        StudyTable("sources", f"Reported by source: {shown.kind}, seed 1", sources, decimals),
    ]
    return StudyResults(
        "trust",
        f"Tampered traffic of {len(traffic.cells)} cells: masked, predicted, replaced",
        asked,
        tables,
        _arrays(traffic, found),
        {"tampering": plot_tampering(means, kinds)},
    )


def _arrays(traffic: Traffic, found: Sequence[Tampering]) -> xarray.Dataset:
    names = [f"{t.kind}; seed {t.seed}" for t in found]
    dims = ("tampering", "hour", "cell")
    deviations = "standard deviations of the cell"
    units = {"score": "1", "untrusted": "1", "age": "h"}
    units |= {"replaced": deviations, "half_width": deviations}
    arrays = {}
    for field, unit in units.items():
        values = np.stack([getattr(t.verdict, field) for t in found])
        kind = np.int8 if values.dtype == bool else np.float32
        arrays[field] = (dims, values.astype(kind), {"units": unit})
    hours = len(found[0].verdict.score)
    coords = {"tampering": names, "hour": np.arange(hours), "cell": list(traffic.cells)}
    return xarray.Dataset(arrays, coords=coords)
