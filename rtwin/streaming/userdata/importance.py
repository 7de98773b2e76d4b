"""Which data types matter: principal components as the article says, and permutation beside it.

Principal components do not know what is to be predicted: a column that varies with many others
is important to them even where it says nothing. Act on permutation importance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.errors import ShapeError


@dataclass(frozen=True)
class Importance:
    """How much a data type matters for a figure.

    Attributes:
        name: Of the data type.
        by_components: Share of all importance by principal components, 0 to 1.
        by_permutation: Coefficient of determination that is lost where its column is shuffled,
            on groups that nothing was learned from.
        correlation: Absolute correlation with the figure.
    """

    name: str
    by_components: float
    by_permutation: float
    correlation: float


def component_importance(rows: Floats, figure: Floats) -> Floats:
    """Importance of columns by principal components, adding up to 1, [column].

    importance_j = sum_i |load_ij| sqrt(lambda_i) |corr(PC_i, figure)| over standardised columns:
    a reconstruction of ours of what the article describes in words.

    Args:
        rows: [row, column].
        figure: What they shall explain, [row].
    Returns:
        0 for a column that never changes.
    Raises:
        ShapeError: if the rows do not fit.
    Checked by tests/streaming/userdata/test_importance.py.
    """
    spread = rows.std(axis=0)
    if len(rows) != len(figure) or len(rows) < 3:
        raise ShapeError(
            f"rows are {rows.shape}, figures {figure.shape}; give three or more, as many of each"
        )
    scaled = (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    _, size, loads = np.linalg.svd(scaled, full_matrices=False)
    scores = scaled @ loads.T
    wanted = figure - figure.mean()
    norm = np.linalg.norm(scores, axis=0) * max(float(np.linalg.norm(wanted)), 1e-12)
    correlation = abs(scores.T @ wanted) / np.maximum(norm, 1e-12)
    found = (abs(loads) * (size / np.sqrt(len(rows)) * correlation)[:, None]).sum(axis=0)
    return np.asarray(found / found.sum())


def importances(
    names: Sequence[str], rows: Floats, figure: Floats, group: Ints, seed: int = 0
) -> tuple[list[Importance], float]:
    """Both importances of data types, and the coefficient of determination on held-out groups.

    Args:
        names: Of the columns.
        rows: [row, column].
        figure: [row].
        group: Drive or user of each row; every third group is held out, [row].
        seed: Of the trees and shuffles.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.inspection import permutation_importance

    by_components = component_importance(rows, figure)
    order = np.unique(group)
    held = np.isin(group, order[2::3])
    model = HistGradientBoostingRegressor(max_iter=80, min_samples_leaf=20, random_state=seed)
    model.fit(rows[~held], figure[~held])
    found = permutation_importance(
        model, rows[held], figure[held], n_repeats=5, random_state=seed, scoring="r2"
    )
    moves = rows.std(axis=0) > 0
    correlation = [
        abs(float(np.corrcoef(column, figure)[0, 1])) if moved else 0.0
        for column, moved in zip(rows.T, moves, strict=True)
    ]
    made = [
        Importance(name, float(c), float(p), r)
        for name, c, p, r in zip(
            names, by_components, found.importances_mean, correlation, strict=True
        )
    ]
    return made, float(model.score(rows[held], figure[held]))
