"""The embedding is the truncated singular value decomposition, and finds what moved."""

import numpy as np
from scipy.stats import t as student

from rtwin.horizontal.rehearsal import joint_embedding
from rtwin.horizontal.rehearsal.embedding import JointEmbedding


def test_inner_products_are_the_best_of_their_rank(small_library):
    found = joint_embedding(small_library, rank=5)
    dense = small_library.gain_db.toarray()
    left, size, right = np.linalg.svd(dense, full_matrices=False)
    best = (left[:, :5] * size[:5]) @ right[:5]
    np.testing.assert_allclose(found.edits @ found.cells.T, best, atol=1e-3)


def test_cells_of_the_measured_edit_are_likely_to_have_changed(small_library):
    found = joint_embedding(small_library, rank=10)
    entry = max(small_library.entries, key=lambda e: e.effect_db2)
    change = np.zeros(small_library.num_columns)
    change[entry.cell] = entry.gain_db
    columns = np.random.default_rng(0).choice(len(change), 60, replace=False)
    chance = found.chance(columns, change[columns], np.full(60, 2.0))
    moved = np.abs(change) > 1
    assert chance[moved].mean() > 2 * chance[~moved].mean()
    nothing = found.chance(columns, np.zeros(60), np.full(60, 2.0))
    assert nothing.max() < 0.5


def test_chance_is_that_of_edits_by_student_t():
    """Two edits, each of one cell: no change is as likely before as both together."""
    found = JointEmbedding(np.array([[3.0, 0.0], [0.0, 2.0]]), np.eye(2))
    chance = found.chance(np.array([0]), np.array([2.5]), np.array([0.5]))
    worlds = np.array([2.0, 1.0, 1.0]) * student.pdf((2.5 - np.array([0.0, 3.0, 0.0])) / 0.5, 4)
    np.testing.assert_allclose(chance, worlds[1:] / worlds.sum(), rtol=1e-9)
