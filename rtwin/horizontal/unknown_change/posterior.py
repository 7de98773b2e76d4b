"""Library Bayes: which rehearsed worlds explain new measurements, and the map that they mean.

Weights are prior times Student's likelihood of the residuals. Beside the library's
edits stand those between two neighbours, two edits at once, a level of each
transmitter, no change at all, and "none of these": then places alone are kriged.
Nothing is learned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import erf, gammaln, logsumexp

from rtwin.arrays import Floats, Ints
from rtwin.horizontal.rehearsal import Hypothesis, Library, rows_of
from rtwin.horizontal.unknown_change.detect import misfit_p
from rtwin.horizontal.unknown_change.kriging import UNMEASURED_DB, Kriging, extent_m

MOST = 64  # combinations that are carried on
# Chosen on the validation scenes: docs/horizontal_benchmark.md.
MODEL_DB, MODEL_SHARE = 2.0, 0.3  # error of a predicted change: of each cell, and of its size
FREEDOM = 3.0  # degrees of freedom of Student's t
# What a measurement counts: what a world leaves is alike among neighbours.
COUNT = 0.8
P_NOTHING, P_NONE, P_TWO, P_LEVEL = 0.25, 0.08, 0.12, 0.05
LEVELS_DB = (-8.0, -4.0, -2.0, 2.0, 4.0, 8.0)
_FIRST, _SECOND = 10, 30  # how many are combined with each other
LEAST_DB = 1.0  # of a kriged rest, to be off
REST_CHANCE = 0.5  # that it is, for it to count
P_LEFT = 0.01  # of what the likeliest world leaves, below which it is not the explanation
_CONTINUOUS = ("moved", "tx_moved", "tx_fed")


@dataclass(frozen=True, eq=False)
class Evidence:
    """Measured residuals.

    Attributes:
        tx: Transmitter of each, [row].
        cell: Cell of each, [row].
        value_db: Measured less the twin [dB], [row].
        sd_db: Standard deviation of measurement and twin together [dB], [row].
    """

    tx: Ints
    cell: Ints
    value_db: Floats
    sd_db: Floats

    def __len__(self) -> int:
        return len(self.tx)


@dataclass(frozen=True, eq=False)
class Combinations:
    """Worlds that may be: sums of the library's changes, and levels.

    Attributes:
        share: How much of each entry is in each, SciPy CSR, [combination, entry].
        level_db: Level added to each transmitter [dB], [combination, tx].
        log_prior: [combination].
    """

    share: Any
    level_db: Floats
    log_prior: Floats

    def __len__(self) -> int:
        return len(self.log_prior)

    def take(self, rows: Ints) -> "Combinations":
        """Some of them."""
        return Combinations(self.share[rows], self.level_db[rows], self.log_prior[rows])

    def at(self, at_entries: Floats, tx: Ints) -> Floats:
        """Changes [combination, row] dB from those of the entries, [entry, row]."""
        found: Floats = self.share @ at_entries + self.level_db[:, tx]
        return found


@dataclass(frozen=True, eq=False)
class Posterior:
    """What the library says of measured residuals.

    Attributes:
        library: The library.
        evidence: The residuals.
        worlds: At most MOST combinations, the likeliest first; no change is among them.
        weight: Their posterior chances, [combination]; with p_none they add up to 1.
        p_none: Chance that none of these explains the residuals.
        predicted_db: Change of each at the measured rows [dB], [combination, row].
        log_likelihood: Of each, [combination].
        places: What places alone say: kriging of the residuals, by transmitter measured.
    """

    library: Library
    evidence: Evidence
    worlds: Combinations
    weight: Floats
    p_none: float
    predicted_db: Floats
    log_likelihood: Floats
    places: Mapping[int, Kriging]

    @cached_property
    def changes_db(self) -> Floats:
        """Change of every cell in each world [dB], [combination, tx * cells + cell], float32."""
        return self._maps(self.library.gain_db) + np.repeat(
            self.worlds.level_db, self.library.num_cells, axis=1
        ).astype(np.float32)

    def _maps(self, of_entries: Any) -> Any:
        return np.asarray((self.worlds.share.astype(np.float32) @ of_entries).todense())

    def mean(self, of_entries: Any) -> Floats:
        """Posterior mean of something that the library holds of each entry, [column]."""
        share = sparse.csr_matrix(self.weight[None].astype(np.float32)) @ self.worlds.share
        found: Floats = np.asarray((share @ of_entries).todense()).ravel().astype(np.float64)
        return found

    @cached_property
    def p_left(self) -> float:
        """Chance of a misfit as large as the likeliest world leaves, if it were the truth."""
        best = self.predicted_db[int(self.weight.argmax())]
        left = (self.evidence.value_db - best) / _scale_db(self.evidence, best)
        return misfit_p(left) if len(left) else 1.0

    @property
    def is_unexplained(self) -> bool:
        """Whether none of these is likelier than all of them, or the likeliest leaves too much."""
        return self.p_none > 0.5 or self.p_left < P_LEFT

    @property
    def p_change(self) -> float:
        """Chance that something happened that the library knows."""
        is_change = np.diff(self.worlds.share.indptr) > 0
        is_change |= (self.worlds.level_db != 0).any(axis=1)
        return float(self.weight[is_change].sum())

    @property
    def mean_db(self) -> Floats:
        """Posterior mean of the change over the worlds, [tx, cell] dB."""
        mean: Floats = (self.weight.astype(np.float32) @ self.changes_db).astype(np.float64)
        return mean.reshape(len(self.library.tx_names), -1)

    @property
    def rest_db(self) -> Floats:
        """What the mean over the worlds leaves of the residuals [dB], [row]."""
        left: Floats = self.evidence.value_db - self.weight @ self.predicted_db
        return left

    def named(self, most: int = 3) -> list[tuple[float, tuple[int, ...]]]:
        """Chance and library entries of what most likely happened, "nothing" as no entries."""
        groups: dict[tuple[int, ...], float] = {}
        for row, weight in enumerate(self.weight):
            entries = self.worlds.share[row].indices
            subjects = {self.library.entries[k].hypothesis.subject: int(k) for k in entries}
            key = tuple(sorted(subjects.values()))
            groups[key] = groups.get(key, 0.0) + float(weight)
        ranked = sorted(groups.items(), key=lambda item: -item[1])
        return [(weight, key) for key, weight in ranked[:most]]

    def likely(self, most: int) -> list[Hypothesis]:
        """Edits of the library that are in the likeliest worlds, the likeliest first."""
        rows = np.argsort(-self.weight, kind="stable")
        entries = [int(k) for row in rows for k in self.worlds.share[row].indices]
        return [self.library.entries[k].hypothesis for k in list(dict.fromkeys(entries))[:most]]


def library_posterior(library: Library, evidence: Evidence, cells_m: Floats) -> Posterior:
    """Weigh a library's edits, their combinations, no change and none of these.

    Args:
        library: The rehearsed edits.
        evidence: Measured residuals; where there are none, no change is certain.
        cells_m: Middle of each cell [m], [cell, 3].
    Checked by tests/horizontal/unknown_change/test_posterior.py.
    """
    columns = rows_of(library.num_cells, evidence.tx, evidence.cell)
    at_entries = library.at(columns)
    worlds = _single(library)
    likelihood = _log_likelihood(evidence, worlds.at(at_entries, evidence.tx))
    for more in (_between, _two_at_once):
        added = more(library, worlds, likelihood, at_entries, evidence)
        if added is not None:
            likelihood = np.concatenate(
                [likelihood, _log_likelihood(evidence, added.at(at_entries, evidence.tx))]
            )
            worlds = _joined(worlds, added)
    score = likelihood + worlds.log_prior
    order = np.argsort(-score, kind="stable")[:MOST]
    order = order if 0 in order else np.append(order[:-1], 0)  # row 0 is no change
    places = places_alone(evidence, evidence.value_db, cells_m)
    none = np.log(P_NONE) + COUNT * sum(field.log_evidence for field in places.values())
    total = logsumexp(np.append(score[order], none))
    kept = worlds.take(order)
    return Posterior(
        library,
        evidence,
        kept,
        np.exp(score[order] - total),
        float(np.exp(none - total)),
        kept.at(at_entries, evidence.tx),
        likelihood[order],
        places,
    )


@dataclass(frozen=True, eq=False)
class LibraryMap:
    """What the library's posterior means for every cell, [tx, cell] each.

    Attributes:
        change_db: Mean change of the path gain [dB], kriging of the rest included.
        sigma_db: How uncertain it is [dB].
        chance: Chance that a cell changed by more than 1 dB.
    """

    change_db: Floats
    sigma_db: Floats
    chance: Floats


def library_map(posterior: Posterior, cells_m: Floats) -> LibraryMap:
    """Mean over the worlds and kriging of what they leave.

    Kriging counts where a cell's rest is likelier off than not, and as far as none of
    these worlds is likely or the worlds leave more than noise.
    """
    num_tx = len(posterior.library.tx_names)
    changes, weight = posterior.changes_db, posterior.weight.astype(np.float32)
    mean = posterior.mean_db.ravel()
    square = (weight @ np.square(changes)).astype(np.float64) * (1 + MODEL_SHARE**2)
    moved = (weight @ (np.abs(changes) > 1.0)).astype(np.float64)
    rest, rest_sd = krige_rest(posterior.evidence, posterior.rest_db, cells_m, num_tx, LEAST_DB)
    rest, rest_sd = rest.ravel(), rest_sd.ravel()
    off = erf(np.maximum(np.abs(rest) - LEAST_DB, 0) / (np.sqrt(2) * np.maximum(rest_sd, 0.1)))
    counts = off > REST_CHANCE
    change = mean + np.where(counts, rest, 0.0)
    variance = np.maximum(square - np.square(mean), 0.0)
    variance += np.where(counts, np.square(rest_sd), np.square(rest))
    chance = 1 - (1 - moved) * (1 - np.where(counts, off, 0.0))
    shape = (num_tx, len(cells_m))
    return LibraryMap(
        change.reshape(shape), np.sqrt(variance).reshape(shape), chance.reshape(shape)
    )


def places_alone(evidence: Evidence, values_db: Floats, cells_m: Floats) -> dict[int, Kriging]:
    """Kriging of something measured in the rows of evidence [dB], transmitters apart."""
    found, extent = {}, extent_m(cells_m)
    for tx in np.unique(evidence.tx):
        rows = evidence.tx == tx
        noise = np.hypot(evidence.sd_db[rows], MODEL_DB)
        found[int(tx)] = Kriging(cells_m[evidence.cell[rows]], values_db[rows], noise, extent)
    return found


def krige_rest(
    evidence: Evidence, rest_db: Floats, cells_m: Floats, num_tx: int, least_db: float = 0.0
) -> tuple[Floats, Floats]:
    """Field of what is left of the residuals, and how uncertain it is, [tx, cell] dB each.

    How uncertain it is where the field is not above least_db is not asked for.
    """
    fields = places_alone(evidence, rest_db, cells_m)
    return fields_of(fields, cells_m, num_tx, least_db)


def fields_of(
    places: Mapping[int, Kriging], cells_m: Floats, num_tx: int, least_db: float = 0.0
) -> tuple[Floats, Floats]:
    """The same of kriging that was done, by transmitter."""
    mean = np.zeros((num_tx, len(cells_m)))
    sd = np.full_like(mean, UNMEASURED_DB)
    for tx, kriging in places.items():
        field = kriging.at(cells_m, least_db)
        mean[tx], sd[tx] = field.mean_db, field.sd_db
    return mean, sd


def _single(library: Library) -> Combinations:
    """No change, a level of each transmitter, and each entry alone."""
    num, num_tx = len(library), len(library.tx_names)
    levels = np.zeros((len(LEVELS_DB) * num_tx, num_tx))
    for row, (tx, level) in enumerate((t, level) for t in range(num_tx) for level in LEVELS_DB):
        levels[row, tx] = level
    first = 1 + len(levels)
    share = sparse.vstack([sparse.csr_matrix((first, num)), sparse.identity(num, format="csr")])
    left = 1 - P_NOTHING - P_NONE - P_LEVEL - P_TWO
    prior = np.concatenate(
        [
            [P_NOTHING],
            np.full(len(levels), P_LEVEL / max(len(levels), 1)),
            np.full(num, left / max(num, 1)),
        ]
    )
    level_db = np.concatenate([np.zeros((1, num_tx)), levels, np.zeros((num, num_tx))])
    return Combinations(share.tocsr(), level_db, np.log(prior))


def _between(
    library: Library, worlds: Combinations, likelihood: Floats, at: Floats, evidence: Evidence
) -> Combinations | None:
    """Half way between the likeliest neighbours of one kind and subject."""
    first = len(worlds) - len(library)
    order = np.argsort(-likelihood[first:], kind="stable")
    pairs = []
    groups: dict[tuple[str, str], list[int]] = {}
    for entry in order[: 4 * _FIRST]:
        told = library.entries[entry].hypothesis
        if told.kind in _CONTINUOUS:
            mates = groups.setdefault((told.kind, told.subject), [])
            pairs += [(int(entry), mate) for mate in mates[:3]]
            mates.append(int(entry))
    if not pairs:
        return None
    return _pairs(library, pairs[: 3 * _FIRST], (0.5, 0.5), worlds.log_prior[-1])


def _two_at_once(
    library: Library, worlds: Combinations, likelihood: Floats, at: Floats, evidence: Evidence
) -> Combinations | None:
    """The likeliest entries, each with those that best explain what it leaves."""
    if len(library) < 2:
        return None
    first = 1 + len(LEVELS_DB) * len(library.tx_names)
    of_entries = likelihood[first : first + len(library)]
    best = np.argsort(-of_entries, kind="stable")[:_FIRST]
    pairs: dict[tuple[int, int], float] = {}
    for one in best:
        both = _log_likelihood(evidence, at + at[one])
        for other in np.argsort(-both, kind="stable")[:_SECOND]:
            told = (library.entries[k].hypothesis.subject for k in (one, other))
            if len(set(told)) == 2:
                pairs[min(one, other), max(one, other)] = float(both[other])
    ranked = sorted(pairs, key=lambda pair: -pairs[pair])[: 2 * _SECOND]
    possible = max(len(library) * (len(library) - 1) / 2, 1)
    return _pairs(library, ranked, (1.0, 1.0), float(np.log(P_TWO / possible)))


def _pairs(
    library: Library,
    pairs: Sequence[tuple[int, int]],
    shares: tuple[float, float],
    log_prior: float,
) -> Combinations:
    rows = np.repeat(np.arange(len(pairs)), 2)
    values = np.tile(shares, len(pairs))
    columns = np.array(pairs, np.int64).ravel()
    share = sparse.csr_matrix((values, (rows, columns)), (len(pairs), len(library)))
    level = np.zeros((len(pairs), len(library.tx_names)))
    return Combinations(share, level, np.full(len(pairs), log_prior))


def _joined(one: Combinations, other: Combinations) -> Combinations:
    return Combinations(
        sparse.vstack([one.share, other.share]).tocsr(),
        np.concatenate([one.level_db, other.level_db]),
        np.concatenate([one.log_prior, other.log_prior]),
    )


def _log_likelihood(evidence: Evidence, predicted_db: Floats) -> Floats:
    """Of residuals under changes [world, row] dB: Student's t, scale by noise and model error."""
    scale = _scale_db(evidence, predicted_db)
    z = (evidence.value_db - predicted_db) / scale
    constant = gammaln((FREEDOM + 1) / 2) - gammaln(FREEDOM / 2) - 0.5 * np.log(FREEDOM * np.pi)
    each = constant - (FREEDOM + 1) / 2 * np.log1p(np.square(z) / FREEDOM) - np.log(scale)
    found: Floats = COUNT * each.sum(axis=1)
    return found


def _scale_db(evidence: Evidence, predicted_db: Floats) -> Floats:
    """Of residuals around changes [..., row] dB: noise, twin and model error together."""
    found: Floats = np.sqrt(
        np.square(evidence.sd_db) + MODEL_DB**2 + np.square(MODEL_SHARE * predicted_db)
    )
    return found
