"""Tables, arrays and picture of the study of users' data."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray

from rtwin.experiments.study_files import Cell, StudyResults, StudyTable, mean_rows
from rtwin.experiments.table import figure_of
from rtwin.streaming.userdata.codes import COMPONENTS
from rtwin.streaming.userdata.picture import plot_userdata
from rtwin.streaming.userdata.runs import Row
from rtwin.streaming.userdata.study import GREATEST_AGE, UserData

LOST = (
    "k-means with six groups on the corrected twin; means over seeds, ± 95 %. lost: utility "
    "against being told everything, paired by seed."
)
SETTING = "every [s] or delta [dB]"


def userdata_results(found: UserData) -> StudyResults:
    """Everything that the study writes."""
    study = found.study
    asked = {
        name: value if isinstance(value, int | float | tuple) or value is None else str(value)
        for name, value in asdict(study).items()
    }
    tables = [
        *_importance(found),
        _collection(found),
        _codes(found),
        _new_users(found),
        _updates(found),
        _privacy(found),
        _places(found),
    ]
    return StudyResults(
        "userdata",
        "What twins are told of users, and what decisions lose by it",
        asked | {"catalogue_hash": found.catalogue.hash},
        [table for table in tables if table.rows],
        _arrays(found),
        {"userdata": plot_userdata(found)},
    )


def _importance(found: UserData) -> list[StudyTable]:
    what = {"walks": "satisfaction of walkers", "drives": "ln of the rate on drives"}
    tables = []
    for name, (parts, explained) in found.importance.items():
        rows: list[dict[str, Cell]] = [
            {
                "data type": p.name,
                "by components": p.by_components,
                "by permutation": p.by_permutation,
                "correlation": p.correlation,
            }
            for p in sorted(parts, key=lambda p: -p.by_permutation)
        ]
        notes = (
            "by components: the article's way, as we read it, adding up to 1. by permutation: "
            "what boosted trees lose of their coefficient of determination on held-out "
            f"{'drives' if name == 'drives' else 'users'}, {explained:.2f} in all."
        )
        title = f"Importance of data types for the {what[name]}"
        tables.append(StudyTable(f"importance-{name}", title, rows, notes=notes))
    return tables


def _collection(found: UserData) -> StudyTable:
    keys = ("of", "policy", SETTING)
    return StudyTable(
        "collection",
        "Error of the SINR that a twin holds against the reports it takes",
        mean_rows(found.collection, keys, ("reports", "error [dB]")),
        {SETTING: 0, "error [dB]": 2},
        f"A row each second; on delta with a greatest age of {GREATEST_AGE} s. reports: share of "
        "rows that are sent. Means over walks or drives, ± 95 %.",
    )


def _codes(found: UserData) -> StudyTable:
    rows = mean_rows(
        found.codes, ("width", "code", "weights"), ("error", "satisfaction", "utility", "lost")
    )
    for row in rows:
        row["against components"] = figure_of(_against(found.codes, row))
    return StudyTable(
        "codes",
        "A user's window in few numbers: channel, taste and haste",
        rows,
        notes=f"{LOST} error: of decoded windows over their spread. weights: numbers of the model. "
        f"against components: utility over that of {COMPONENTS} of equal width, paired.",
    )


def _against(rows: Sequence[Row], wanted: dict[str, Cell]) -> list[float]:
    own = {r["seed"]: r["utility"] for r in rows if _is(r, wanted["width"], wanted["code"])}
    linear = {r["seed"]: r["utility"] for r in rows if _is(r, wanted["width"], COMPONENTS)}
    return [own[seed] - linear[seed] for seed in own]


def _is(row: Row, width: Any, code: Any) -> bool:
    return bool(row["width"] == width and row["code"] == code)


def _new_users(found: UserData) -> StudyTable:
    columns = ("error of taste", "error of ln haste", "bytes", "FLOPs")
    return StudyTable(
        "new_users",
        "Models of users of whom few swipes are known",
        mean_rows(found.new_users, ("swipes", "model"), columns),
        {"bytes": 0, "FLOPs": 0},
        "60 users are known well, 60 are new; as many likes as swipes. take over: the model "
        "under which what the new user did is likeliest. error of taste: 1 - overlap.",
    )


def _updates(found: UserData) -> StudyTable:
    columns = tuple(name for name in found.updates[0] if name not in ("policy", "seed"))
    return StudyTable(
        "updates",
        "Whose model is refitted, taken over, left: a third becomes other people halfway",
        mean_rows(found.updates, ("policy",), columns),
        {"bytes": 0, "FLOPs": 0},
        "24 intervals of 5 views and 10 likes; errors after the change. stay, take over, refit: "
        "share of users and intervals. bytes, FLOPs: of a user and interval.",
    )


def _privacy(found: UserData) -> StudyTable:
    columns = ("satisfaction", "utility", "lost")
    return StudyTable(
        "privacy",
        "What private likes cost the decision",
        mean_rows(found.privacy, ("privacy", "epsilon"), columns),
        {"epsilon": 1},
        f"{LOST} epsilon: of one like; a user likes ten things a minute, which is ten times as "
        "much for all of them. central: the twin's keeper adds noise to each user's counts; "
        "local: every like is a randomised answer.",
    )


def _places(found: UserData) -> StudyTable:
    columns = ("satisfaction", "utility", "lost")
    return StudyTable(
        "places",
        "What blurred places cost the decision",
        mean_rows(found.places, ("mean move [m]",), columns),
        {"mean move [m]": 0},
        "Planar Laplace noise, once a minute; the ray-traced map is asked at the blurred place; "
        "the twin allows for what that does to its channels. lost: against the corrected twin at "
        "true places, paired by seed.",
    )


def _arrays(found: UserData) -> xarray.Dataset:
    """Utility over [privacy, epsilon, seed] and [move, seed]."""
    kinds = ("central", "local")
    epsilons, moves = found.study.epsilons, (0.0, *found.study.moves_m)
    seeds = range(found.study.seeds)
    private = {(r["privacy"], r["epsilon"], r["seed"]): r["utility"] for r in found.privacy}
    places = {(r["mean move [m]"], r["seed"]): r["utility"] for r in found.places}
    utility = [[[private[k, e, s] for s in seeds] for e in epsilons] for k in kinds]
    blurred = [[places[m, s] for s in seeds] for m in moves]
    made = xarray.Dataset(
        {
            "utility_private": (("privacy", "epsilon", "seed"), np.array(utility)),
            "utility_blurred": (("move_m", "seed"), np.array(blurred)),
        },
        {"privacy": list(kinds), "epsilon": list(epsilons), "move_m": list(moves)}
        | {"seed": list(seeds)},
    )
    made.utility_private.attrs["units"] = made.utility_blurred.attrs["units"] = "1"
    made.move_m.attrs["units"] = "m"
    return made
