"""Unknown change: what may have happened, as measurements and the tracer judge it.

Analysis by synthesis: worlds that differ from the twin's by one edit are traced
at the cells where something was measured. Those that explain the residuals are
weighted by their likelihood, their number of parameters, and what they predict
of rows that they have not seen; the map is corrected by their mean, and what
remains is kriged where it is tied to places.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import erf

from rtwin.arrays import Bools, Floats
from rtwin.horizontal.edits import Edit
from rtwin.horizontal.rehearsal import Hypothesis
from rtwin.horizontal.unknown_change.candidates import NUM_FREE, Proposals, log_density
from rtwin.horizontal.unknown_change.cell_paths import MapTwin, StoredTwin
from rtwin.horizontal.unknown_change.detect import (
    ALPHA,
    Agreement,
    agreements,
    local_p,
    misfit_p,
)
from rtwin.horizontal.unknown_change.residuals import Residuals, krige
from rtwin.horizontal.unknown_change.synthesis import Synthesis
from rtwin.progress import Progress, silent

STALE_DB = 1.0  # of a kriged field: below it cells keep their value
_NOTHING = 0.5  # prior chance that one edit explains nothing
_MODEL_ERROR = 0.2  # of a predicted change: the true edit is never exactly the one tried
_FIRST = 0.5  # share of the traces that are drawn far apart
_AROUND = (1.0, 0.6, 0.4, 0.25, 0.15)  # how far around the best, round by round
_MAX_MAPS = 8
_MASS = 0.97  # of the weights, for which whole maps are traced
_FOLDS = 5
_GAIN = 2.0  # log likelihood of unseen rows that an explanation must gain
_BEYOND, _MOST = 3.0, 0.4  # an explanation leaves fewer rows than that beyond 3 sigma
PRESERVE_DB, PRESERVE_CHANCE = 0.5, 0.05  # below both a cell keeps its value


@dataclass(frozen=True)
class Explanation:
    """Something that may have happened, and its posterior weight among all that was tried."""

    hypotheses: tuple[Hypothesis, ...]  # that came together
    weight: float

    @property
    def edits(self) -> tuple[Edit, ...]:
        """As an edits file would say it."""
        return tuple(edit for one in self.hypotheses for edit in one.edits)

    @property
    def says(self) -> str:
        """In words."""
        return " and ".join(str(one) for one in self.hypotheses)

    def __str__(self) -> str:
        return f"{self.says} ({100 * self.weight:.0f} %)"


@dataclass(frozen=True, eq=False)
class Correction:
    """A map corrected for unknown change.

    Attributes:
        gain_db: Path gain, [tx, cell] dB; cells that are preserved keep their bits.
        sigma_db: How uncertain it is, [tx, cell] dB.
        chance: Chance that a cell was off by more than half a dB, [tx, cell].
        agreements: The verdict on each measured transmitter.
        explained_db: Change that the explanations alone make, [tx, cell] dB.
        explanations: What may have happened, the likeliest first; empty if nothing did.
        gain_nats: Log likelihood that the explanations gain on rows not seen.
        reasons: What was done and why, one line each.
        num_traces: Worlds that were traced.
    """

    gain_db: Floats
    sigma_db: Floats
    chance: Floats
    agreements: tuple[Agreement, ...]
    explained_db: Floats
    explanations: tuple[Explanation, ...]
    gain_nats: float
    reasons: tuple[str, ...]
    num_traces: int

    @property
    def is_stale(self) -> Bools:
        """Where a cell was more likely off than not, [tx, cell]."""
        return self.chance > 0.5

    @property
    def is_preserved(self) -> Bools:
        """Where the twin keeps its value, [tx, cell]."""
        return self.chance <= PRESERVE_CHANCE

    @staticmethod
    def nothing(twin: MapTwin, verdicts: tuple[Agreement, ...], reason: str) -> "Correction":
        """A map that stays as it is."""
        shape = twin.gain_db.shape
        return Correction(
            gain_db=twin.gain_db,
            sigma_db=twin.sigma_db,
            chance=np.zeros(shape),
            agreements=verdicts,
            explained_db=np.zeros(shape),
            explanations=(),
            gain_nats=0.0,
            reasons=(*(str(verdict) for verdict in verdicts), reason),
            num_traces=0,
        )


def correct(
    twin: StoredTwin,
    found: Residuals,
    *,
    offsets: bool = False,
    num_traces: int = 100,
    likely: Sequence[Hypothesis] = (),
    seed: int = 0,
    progress: Progress = silent,
) -> Correction:
    """Correct a twin's maps for change that nobody told it about.

    Args:
        twin: The twin.
        found: Residuals of its cells, by rtwin.horizontal.unknown_change.residuals.
        offsets: Whether each transmitter and device has a level of its own.
        num_traces: Worlds that are tried; 0 for kriging alone.
        likely: What is tried first, such as the likeliest of what was rehearsed.
        seed: Of draws.
        progress: Called with stage ("worlds"), worlds tried and in all.
    Checked by tests/horizontal/unknown_change/test_correction.py; measured in
    docs/horizontal_unknown.md.
    """
    verdicts = agreements(twin, found, offsets=offsets, seed=seed)
    reasons = [str(verdict) for verdict in verdicts]
    wrong = [v for v in verdicts if v.verdict in ("local", "scatter", "outlier")]
    level = found.without_offsets(found.value_db) if offsets else found.value_db.copy()
    for verdict in verdicts:
        if verdict.verdict == "offset":
            level[found.tx == twin.names.index(verdict.transmitter)] -= verdict.offset_db
    flat = replace(found, value_db=level, sd_db=found.shown_sd_db(level))
    change, sd, chance = _nothing(twin)
    explanations: tuple[Explanation, ...] = ()
    gain, traces = 0.0, 0
    if wrong and num_traces:
        search = _Search(twin, flat, offsets, seed)
        search.run(num_traces, likely, progress)
        gain = search.unseen_gain()
        if gain > _GAIN:
            explanations = search.explanations()
            change, sd, chance = search.posterior(explanations)
        if explanations and search.misfit(change) < _MOST:
            reasons.append(f"explained by: {'; '.join(str(e) for e in explanations[:3])}")
        else:
            change, sd, chance = _nothing(twin)
            explanations = ()
            reasons.append("no single edit explains the differences")
        traces = search.num_traces
    explained = change.copy()
    if wrong:
        rest = level - change[found.tx, found.cell]
        where = [tx for tx in np.unique(found.tx) if _is_tied(twin, found, int(tx), rest, seed)]
        if where:
            field, spread = krige(twin, flat, rest, offsets, seed)
            names = ", ".join(twin.names[tx] for tx in where)
            reasons.append(f"what remains is tied to places: kriged for {names}")
            change[where] += field[where]
            sd[where] = np.hypot(sd[where], spread[where])
            # Zero lies outside of what the field may be with this chance.
            away = erf(np.abs(field[where]) / (np.sqrt(2) * spread[where]))
            away = np.maximum(away, 2 * PRESERVE_CHANCE)
            off = np.abs(field[where]) > STALE_DB
            chance[where] = np.maximum(chance[where], np.where(off, away, 0.0))
    kept = chance <= PRESERVE_CHANCE
    return Correction(
        gain_db=np.where(kept, twin.gain_db, twin.gain_db + change),
        sigma_db=np.hypot(twin.sigma_db, sd),
        chance=chance,
        agreements=verdicts,
        explained_db=explained,
        explanations=explanations,
        gain_nats=gain,
        reasons=tuple(reasons),
        num_traces=traces,
    )


def _nothing(twin: MapTwin) -> tuple[Floats, Floats, Floats]:
    shape = twin.gain_db.shape
    return np.zeros(shape), np.zeros(shape), np.zeros(shape)


def _is_tied(twin: MapTwin, found: Residuals, tx: int, rest: Floats, seed: int) -> bool:
    rows = np.flatnonzero(found.tx == tx)
    z = rest[rows] / np.maximum(found.sd_db[rows], 1e-3)
    return local_p(twin, tx, found.cell[rows], z, seed) < ALPHA


class _Search:
    """Worlds tried, and how well each explains the measured rows."""

    def __init__(self, twin: StoredTwin, found: Residuals, offsets: bool, seed: int) -> None:
        self._twin, self._found, self._offsets, self._seed = twin, found, offsets, seed
        self._synthesis = Synthesis(twin)
        self._cells, self._row_cell = np.unique(found.cell, return_inverse=True)
        self._row_cell = np.asarray(self._row_cell).reshape(-1)
        z = found.value_db / np.maximum(found.sd_db, 1e-3)
        self._proposals = Proposals(twin, found, z, seed)
        self._candidates: list[Hypothesis] = []
        self._changes: list[Floats] = []
        self._fits: list[Floats] = [self._fit(np.zeros(len(found)))]  # the first is of no change

    @property
    def num_traces(self) -> int:
        """Worlds traced so far."""
        return self._synthesis.num_traces

    def run(self, number: int, likely: Sequence[Hypothesis], progress: Progress) -> None:
        """Try worlds: the likely ones, some far apart unless these explain all, around the best."""
        base = self._synthesis.gain_db((), self._cells)
        assert base is not None
        first = list(likely[:number])
        self._try(first, base, number, progress)
        if not first or not self._is_explained():
            known = [hypothesis.tables for hypothesis in first]
            apart = self._proposals.first(max(int(_FIRST * number) - len(first), 1))
            first += [hypothesis for hypothesis in apart if hypothesis.tables not in known]
            self._try(first[len(known) :], base, number, progress)
        left = -(-min(number - len(first), int((1 - _FIRST) * number)) // len(_AROUND))
        for scale in _AROUND:
            self._try(self._proposals.around(self._parents(), left, scale), base, number, progress)

    def _try(self, tried: list[Hypothesis], base: Floats, number: int, progress: Progress) -> None:
        for candidate in tried:
            gain = self._synthesis.gain_db(candidate.edits, self._cells)
            progress("worlds", min(self.num_traces, number), number)
            if gain is not None:
                change = (gain - base)[self._found.tx, self._row_cell]
                self._candidates.append(candidate)
                self._changes.append(change)
                self._fits.append(self._fit(change))

    def _is_explained(self) -> bool:
        """Whether the best world so far leaves no more than noise."""
        fits = np.array(self._fits).sum(axis=1)
        best = int(fits.argmax())
        if best == 0:
            return False
        left, scale = self._left(self._changes[best - 1])
        return misfit_p(left / scale, centred=self._offsets) >= ALPHA

    def _left(self, change: Floats) -> tuple[Floats, Floats]:
        """What a change of [row] dB leaves of the residuals, and its standard deviation."""
        left = self._found.value_db - change
        if self._offsets:
            left = self._found.without_offsets(left)
        return left, np.hypot(self._found.sd_db, _MODEL_ERROR * change)

    def _fit(self, change: Floats) -> Floats:
        """Log likelihood of every row under a change of [row] dB."""
        left, scale = self._left(change)
        return log_density(left / scale) - np.log(scale)

    def _parents(self) -> list[Hypothesis]:
        """The best of each kind with continuous parameters; half of the places to the best kind."""
        fits = np.array(self._fits[1:]).sum(axis=1) if self._candidates else np.zeros(0)
        order = [int(n) for n in np.argsort(-fits, kind="stable")]
        free = [self._candidates[n] for n in order if NUM_FREE[self._candidates[n].kind]]
        kinds = list(dict.fromkeys(c.kind for c in free))[:3]
        own = [[c for c in free if c.kind == kind] for kind in kinds]
        return [c for group, take in zip(own, (3, 2, 1), strict=False) for c in group[:take]]

    def weights(self, rows: Bools | slice = slice(None)) -> Floats:
        """Posterior weights of no change and of every candidate, from some rows."""
        fits = np.array(self._fits)[:, rows].sum(axis=1)
        score = np.full(len(fits), -np.inf)
        score[0] = fits[0] + np.log(_NOTHING)
        kinds = np.array([c.kind for c in self._candidates])
        num = max(self._found.value_db[rows].size, 2)
        objects = np.log(self._proposals.num_objects)
        for kind, free in NUM_FREE.items():
            own = 1 + np.flatnonzero(kinds == kind)
            if not len(own):
                continue
            # The kind has the evidence of its best, less what its parameters cost (BIC).
            cost = 0.5 * free * np.log(num) + np.log(len(NUM_FREE) / (1 - _NOTHING))
            cost += objects if kind in ("gone", "material", "moved") else 0.0
            cost += np.log(3.0) if kind == "material" else 0.0
            best = fits[own].max()
            share = fits[own] - best
            # Objects named one by one compete as they are; draws share their kind's evidence.
            if free:
                share = share - np.log(np.exp(share).sum())
            score[own] = best - cost + share
        weight = np.exp(score - score.max())
        return weight / weight.sum()

    def unseen_gain(self) -> float:
        """Log likelihood that the weighted worlds gain on rows not used.

        Over no change, and over a twin whose levels mean nothing: measurements that
        were mixed up are fitted better by any flatter map.
        """
        if not self._candidates:
            return 0.0
        fold = np.random.default_rng(self._seed).permutation(len(self._found)) % _FOLDS
        fits, total, flat = np.array(self._fits), 0.0, 0.0
        for number in range(_FOLDS):
            used = fold != number
            weight = self.weights(used)
            unseen = fits[:, ~used]
            top = unseen.max(axis=0)
            mixed = top + np.log(weight @ np.exp(unseen - top) + 1e-300)
            total += float((mixed - unseen[0]).sum())
            flat += float((self._fit(self._flatter(used)) - fits[0])[~used].sum())
        return total - max(flat, 0.0)

    def _flatter(self, rows: Bools) -> Floats:
        """Residuals as a linear function of the twin's level, fitted to some rows, [row] dB."""
        out = np.zeros(len(self._found))
        for tx in np.unique(self._found.tx):
            own = self._found.tx == tx
            level = self._twin.gain_db[tx, self._found.cell]
            columns = np.column_stack([np.ones(len(level)), level - level[own].mean()])
            weights = np.linalg.lstsq(
                columns[own & rows], self._found.value_db[own & rows], rcond=None
            )[0]
            out[own] = (columns @ weights)[own]
        return out

    def misfit(self, change: Floats) -> float:
        """Share of rows that a change of [tx, cell] dB leaves beyond 3 standard deviations."""
        left = self._found.value_db - change[self._found.tx, self._found.cell]
        if self._offsets:
            left = self._found.without_offsets(left)
        scale = np.hypot(self._found.sd_db, _MODEL_ERROR * (self._found.value_db - left))
        return float(np.mean(np.abs(left) > _BEYOND * scale))

    def explanations(self) -> tuple[Explanation, ...]:
        """The candidates that carry the weight, the heaviest first."""
        weight = self.weights()[1:]
        order = np.argsort(-weight, kind="stable")
        needed = int(np.searchsorted(np.cumsum(weight[order]), _MASS * weight.sum())) + 1
        return tuple(
            Explanation((self._candidates[n],), float(weight[n]))
            for n in order[: min(needed, _MAX_MAPS)]
        )

    def posterior(self, found: tuple[Explanation, ...]) -> tuple[Floats, Floats, Floats]:
        """Mean change, its standard deviation, and the chance of more than 1 dB, [tx, cell]."""
        everywhere = np.arange(len(self._twin.cell_m))
        base = self._synthesis.gain_db((), everywhere)
        assert base is not None
        kept = [(e.weight, self._synthesis.gain_db(e.edits, everywhere)) for e in found]
        nothing = float(self.weights()[0])
        total = nothing + sum(weight for weight, gain in kept if gain is not None)
        mean, square, chance = _nothing(self._twin)
        for weight, gain in kept:
            if gain is None:
                continue
            change = gain - base
            mean += weight / total * change
            square += weight / total * change**2 * (1 + _MODEL_ERROR**2)
            chance += weight / total * (np.abs(change) > PRESERVE_DB)
        return mean, np.sqrt(np.maximum(square - mean**2, 0.0)), chance
