"""Importance of data types: what components take for important, and what matters."""

import numpy as np
import pytest

from rtwin.errors import ShapeError
from rtwin.streaming.userdata import component_importance, importances


def crowd():
    """Two columns that say one thing that matters little, one that matters, and noise."""
    rng = np.random.default_rng(0)
    common, own, noise = rng.normal(size=(3, 1500))
    rows = np.stack([common, common + 0.1 * rng.normal(size=1500), own, noise], axis=1)
    return rows, own + 0.3 * common + 0.1 * rng.normal(size=1500), np.arange(1500) // 50


def test_components_cannot_tell_what_matters_from_noise():
    rows, figure, group = crowd()
    found, explained = importances(["one", "twin of one", "alone", "noise"], rows, figure, group)
    by = {p.name: p for p in found}
    assert explained > 0.9
    assert max(found, key=lambda p: p.by_permutation).name == "alone"
    assert abs(by["noise"].by_permutation) < 0.02
    # A component of noise and what matters is important, and so is all that it is made of.
    assert by["noise"].by_components > 0.8 * by["alone"].by_components


def test_components_add_up_and_know_no_scale():
    rows, figure, _ = crowd()
    found = component_importance(rows, figure)
    assert found.sum() == pytest.approx(1.0)
    assert component_importance(rows * [1, 50, 0.1, 3] + 7, figure) == pytest.approx(found)


def test_a_single_column_has_all():
    rows, figure, _ = crowd()
    assert component_importance(rows[:, :1], figure) == pytest.approx([1.0])


def test_what_is_impossible_is_said():
    with pytest.raises(ShapeError, match=r"rows are \(5, 2\)"):
        component_importance(np.ones((5, 2)), np.arange(4.0))


def test_what_never_changes_is_of_no_importance():
    rows, figure, _ = crowd()
    rows[:, 1] = 3.0
    found = component_importance(rows, figure)
    assert found[1] == pytest.approx(0.0, abs=1e-12)
