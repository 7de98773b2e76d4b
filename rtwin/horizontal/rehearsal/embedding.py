"""Cells and edits in one space, learned from the library without a label of reality.

The library is a matrix of edits and cells; its truncated singular vectors give each
of both a vector whose inner product is the change. A cell is worth an update when
the posterior over the edits' vectors, given the news, moves it.
"""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.horizontal.rehearsal.library import Library

RANK = 12
_SEED = 0


@dataclass(frozen=True, eq=False)
class JointEmbedding:
    """Vectors of edits and of cells.

    Attributes:
        edits: [entry, rank].
        cells: [tx * cells + cell, rank]; edits @ cells.T are the changes [dB], nearly.
    """

    edits: Floats
    cells: Floats

    def chance(self, columns: Ints, value_db: Floats, sd_db: Floats) -> Floats:
        """Chance that each cell changed by more than 1 dB, given measured changes, [column].

        Args:
            columns: Measured columns, [row].
            value_db: Measured less the twin [dB], [row].
            sd_db: Standard deviation of each, the model's own error included [dB], [row].
        """
        vectors = np.concatenate([np.zeros((1, self.edits.shape[1])), self.edits])
        predicted = vectors @ self.cells[columns].T
        z = (value_db - predicted) / sd_db
        score = -2.5 * np.log1p(np.square(z) / 4).sum(axis=1)
        score[0] += np.log(max(len(self.edits), 1))  # as likely as all edits together
        weight = np.exp(score - score.max())
        weight /= weight.sum()
        found = np.zeros(len(self.cells))
        for row in np.argsort(-weight)[:64]:
            found += weight[row] * (np.abs(self.cells @ vectors[row]) > 1.0)
        return found


def joint_embedding(library: Library, rank: int = RANK) -> JointEmbedding:
    """The embedding of a library.

    Source: truncated singular value decomposition (Eckart and Young, 1936); checked by
    tests/horizontal/rehearsal/test_embedding.py.
    """
    from scipy.sparse.linalg import svds

    most = min(library.gain_db.shape) - 1
    if most < 1:
        return JointEmbedding(np.zeros((len(library), 1)), np.zeros((library.num_columns, 1)))
    left, size, right = svds(library.gain_db, k=min(rank, most), rng=_SEED)
    root = np.sqrt(size)
    return JointEmbedding(left * root, right.T * root)
