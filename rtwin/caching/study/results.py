"""Writing what the study found: tables, raw figures, picture, figures over time as HDF5."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rtwin.caching.study.picture import plot_caching
from rtwin.caching.study.runs import Findings
from rtwin.caching.study.tables import csv_text, json_report, markdown
from rtwin.dataset.schema import Variable
from rtwin.dataset.store import (
    attach_dimensions,
    file_image,
    plain_errors,
    write_header,
    write_table,
    write_whole,
)
from rtwin.experiments.results import prepare_folder
from rtwin.plot import save_figure

NAMES = ("caching.md", "caching.csv", "caching.json", "caching.png", "caching.h5")
KIND = "rtwin-caching"
_TIME = ("policy", "seed", "window")
VARIABLES = (
    Variable("policy_name", ("policy",), "str", "", "name of the policy"),
    Variable("hit_rate", _TIME, "<f8", "1", "hits per request"),
    Variable("interventions", _TIME, "<f8", "1", "per 1000 requests"),
    Variable("burst", _TIME, "<f8", "1", "share of the requests that belong to a burst"),
    Variable("load", ("policy", "seed", "tx"), "<f8", "1", "share of the requests"),
    Variable("overload", ("policy", "seed"), "<f8", "1", "share at overloaded stations"),
    Variable("jain", ("policy", "seed"), "<f8", "1", "mean of Jain's index of the loads"),
)


def prepare(folder: Path) -> None:
    """Make sure that results can be written, before the work.

    Raises:
        StoreError: see rtwin.experiments.results.prepare_folder.
    """
    prepare_folder(folder, NAMES, NAMES[2])


def write_caching(findings: Findings, folder: Path) -> list[Path]:
    """Write all files of NAMES; each appears whole or not at all.

    Raises:
        StoreError: if one cannot be written.
        MissingExtraError: if matplotlib is not installed; the others are written.
    """
    prepare(folder)
    files = [folder / name for name in NAMES]
    texts = (
        markdown(findings),
        csv_text(findings),
        json.dumps(json_report(findings), indent=1) + "\n",
    )
    for file, text in zip(files, texts, strict=False):
        with plain_errors(file):
            write_whole(file, text.encode())
    with plain_errors(files[4]):
        write_whole(files[4], file_image(lambda h5: _fill(h5, findings)))
    save_figure(plot_caching(findings), files[3])
    return files


def _fill(h5: h5py.File, findings: Findings) -> None:
    """Figures over time of the study's own policies, those of both tables."""
    runs = [run for run in findings.runs if run.part in ("walking", "reliable")]
    names = list(dict.fromkeys(run.policy for run in runs))
    by = {(run.policy, run.seed): run for run in runs}
    seeds = list(range(findings.study.seeds))

    def table(field: str) -> Any:
        return np.array([[getattr(by[name, seed], field) for seed in seeds] for name in names])

    write_header(h5, KIND, {"title": "Edge caching", "facts": findings.facts})
    write_table(
        h5,
        VARIABLES,
        {
            "policy_name": names,
            "hit_rate": table("over_time"),
            "interventions": table("interventions_over_time"),
            "burst": table("burst"),
            "load": table("load"),
            "overload": table("overload"),
            "jain": table("jain"),
        },
    )
    stations = findings.facts[0]["stations"]
    attach_dimensions(h5, VARIABLES, {"policy": names, "tx": stations})
