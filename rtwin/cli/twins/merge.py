"""The command that makes one map or dataset of several: merge."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from rtwin.cli.terminal import JsonFlag, Overwrite, print_json, print_rows


def merge(
    files: Annotated[
        list[Path],
        Argument(
            metavar="FILE...", help="Radio maps and folders of twins, or datasets; two or more."
        ),
    ],
    output: Annotated[
        Path, Option("-o", "--output", metavar="FILE", help="Radio map or dataset to write.")
    ],
    age: Annotated[
        str, Option(metavar="DAYS,...", help="Age of each [days]; all new if not given.")
    ] = "",
    drift: Annotated[
        float, Option(metavar="DB", help="What a year adds to the uncertainty [dB].")
    ] = 2.0,
    rule: Annotated[
        str, Option(help="covariance-intersection, selection or inverse-variance.")
    ] = "covariance-intersection",
    overwrite: Overwrite = False,
    json: JsonFlag = False,
) -> None:
    """Merge maps, or datasets, of one area or of neighbouring ones, each as far as it is trusted.

    Example: rtwin merge map-1.h5 map-2.h5 -o merged.h5 --age 365,0
    """
    from rtwin.horizontal import RULES, MergedPaths, merge_files

    try:
        ages = [float(word) for word in age.split(",")] if age else []
    except ValueError as error:
        raise typer.BadParameter(
            f"{age!r}: give numbers with commas between them", param_hint="--age"
        ) from error
    chosen = next((known for known in RULES if known == rule), None)
    if chosen is None:
        raise typer.BadParameter(f"{rule!r}: give {', '.join(RULES)}", param_hint="--rule")
    made = merge_files(
        files, output, ages_days=ages, rule=chosen, drift_db=drift, overwrite=overwrite
    )
    of_paths = isinstance(made, MergedPaths)
    facts = _merged_links(made) if of_paths else _merged_cells(made, len(files))
    if json:
        print_json(facts)
        return
    rows: list[tuple[str, object]] = [("file", output)]
    if of_paths:
        rows += [
            ("links", f"{facts['num_links']}, {facts['num_without_twin']} that no file covers"),
            ("by more than one", f"{100 * facts['overlap_share']:.1f} %"),
            ("paths", f"{facts['num_paths']}, {facts['num_agreed']} that all twins of a link have"),
            ("left out", f"{facts['num_dropped']} paths that too little trust speaks for"),
            _disagree(facts["disagreeing_links"], "links"),
        ]
    else:
        rows += [
            ("cells", f"{facts['num_cells_y']} x {facts['num_cells_x']}"),
            ("covered", f"{100 * facts['covered_share']:.1f} % of the cells"),
            ("by more than one", f"{100 * facts['overlap_share']:.1f} %"),
            _disagree(facts["disagreeing_cells"], "cells"),
            *[
                (str(file), f"counts most in {100 * share:.1f} %")
                for file, share in zip(files, facts["share_of_each"], strict=True)
            ],
        ]
    print_rows(rows)


def _disagree(num: int, what: str) -> tuple[str, str]:
    advice = ": trace them again" if num else ""
    return "disagree", f"{num or 'no'} {what} beyond 3 sigma{advice}"


def _merged_cells(made: Any, num_files: int) -> dict[str, Any]:
    covered = made.num_maps > 0
    return {
        "num_cells_y": made.path_gain.shape[1],
        "num_cells_x": made.path_gain.shape[2],
        "covered_share": float(covered.any(axis=0).mean()),
        "overlap_share": float((made.num_maps > 1).any(axis=0).mean()),
        "disagreeing_cells": int(made.needs_trace.sum()),
        "share_of_each": [float((made.source[covered] == n).mean()) for n in range(num_files)],
    }


def _merged_links(made: Any) -> dict[str, Any]:
    return {
        "num_links": len(made.num_paths),
        "num_without_twin": int((made.num_twins == 0).sum()),
        "overlap_share": float((made.num_twins > 1).mean()) if len(made.num_twins) else 0.0,
        "num_paths": int(made.num_paths.sum()),
        "num_agreed": int((made.agreement > 1 - 1e-6).sum()),
        "num_dropped": int(made.num_dropped.sum()),
        "disagreeing_links": int(made.needs_trace.sum()),
    }
