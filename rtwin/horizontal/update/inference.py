"""Corrections by inference: kriging, the library's posterior, the network on top of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import erf

from rtwin.arrays import Floats
from rtwin.errors import StoreError
from rtwin.horizontal.learned import REASONING, SHIPPED, load_predictor
from rtwin.horizontal.levels import FLOOR_DB
from rtwin.horizontal.rehearsal import Library
from rtwin.horizontal.unknown_change import (
    PRESERVE_CHANCE,
    PRESERVE_DB,
    STALE_DB,
    Agreement,
    Correction,
    Evidence,
    Explanation,
    MapTwin,
    Posterior,
    Residuals,
    agreements,
    krige_rest,
    library_map,
    library_posterior,
)
from rtwin.horizontal.update.ways import How, Wish

_DEVIATES = ("local", "scatter", "outlier", "offset")


@dataclass(frozen=True, eq=False)
class Inferred:
    """A correction by inference, and what choosing it asks.

    Attributes:
        correction: The map after it.
        loss_db: RMS error that it states for the cells it updates [dB].
        seconds: What it took [s].
        posterior: Of the library, where there is one.
        mean: Posterior mean of anything that the library holds, [column].
    """

    correction: Correction
    loss_db: float
    seconds: float
    posterior: Posterior | None = None
    mean: Callable[[object], Floats] | None = None


def evidence_of(found: Residuals, offsets: bool) -> Evidence:
    """Residuals as the library weighs them."""
    level = found.without_offsets(found.value_db) if offsets else found.value_db
    return Evidence(found.tx, found.cell, level, found.shown_sd_db(level))


def kriged(twin: MapTwin, found: Residuals, offsets: bool, seed: int = 0) -> Inferred:
    """What differs is spread over places."""
    start = time.perf_counter()
    verdicts = agreements(twin, found, offsets=offsets, seed=seed)
    evidence = evidence_of(found, offsets)
    mean, sd = krige_rest(evidence, evidence.value_db, twin.cell_m, len(twin.names))
    chance = erf(np.abs(mean) / (np.sqrt(2) * np.maximum(sd, 1e-3)))
    chance = np.where(np.abs(mean) > STALE_DB, np.maximum(chance, 2 * PRESERVE_CHANCE), 0.0)
    reasons = ("what differs is spread over places: kriged",)
    made = _correction(twin, verdicts, mean, sd, chance, np.zeros_like(mean), (), reasons)
    seconds = time.perf_counter() - start
    return Inferred(made, stated_loss_db(made, twin), seconds)


def library_ways(
    twin: MapTwin, found: Residuals, library: Library, offsets: bool, wish: Wish
) -> dict[How, Inferred]:
    """The library's posterior, and the network on top of it where it is asked for.

    Left alone the network that comes with rtwin is no way: on twins of whole scenes the library
    errs less (docs/horizontal_benchmark.md).

    Raises:
        MissingExtraError: if weights are given that need TensorFlow, and it is not installed.
        StoreError: if the weights are broken or foreign.
    """
    start = time.perf_counter()
    verdicts = agreements(twin, found, offsets=offsets)
    evidence = evidence_of(found, offsets)
    posterior = library_posterior(library, evidence, twin.cell_m)
    shared_s = time.perf_counter() - start
    ways: dict[How, Inferred] = {}
    if wish.how in (None, "library", "search"):
        start = time.perf_counter()
        guess = library_map(posterior, twin.cell_m)
        told = _explanations(posterior, posterior.weight)
        made = _correction(
            twin,
            verdicts,
            guess.change_db,
            guess.sigma_db,
            guess.chance,
            posterior.mean_db,
            told,
            _says(told, posterior),
            posterior.p_change,
        )
        seconds = shared_s + time.perf_counter() - start
        loss = stated_loss_db(made, twin)
        ways["library"] = Inferred(made, loss, seconds, posterior, posterior.mean)
    if wish.how == "network" or (wish.how is None and wish.network is not None):
        predictor = load_predictor(wish.network or SHIPPED)
        if predictor.told["kind"] not in REASONING:
            raise StoreError(
                f"{wish.network}: holds a baseline of the benchmark, {predictor.told['kind']}; "
                f"updates take {' or '.join(REASONING)}"
            )
        out = predictor(posterior, twin.cell_m, twin.gain_db)
        weighed = replace(posterior, weight=out.world, p_none=out.p_none)
        told = _explanations(weighed, out.world)
        sigma = predictor.half_width_db(out.sigma_db) / 1.645
        kept = (np.abs(out.change_db) < PRESERVE_DB) & (out.chance <= PRESERVE_CHANCE)
        chance = np.where(kept, 0.0, np.maximum(out.chance, 2 * PRESERVE_CHANCE))
        made = _correction(
            twin,
            verdicts,
            out.change_db,
            sigma,
            chance,
            weighed.mean_db,
            told,
            _says(told, weighed),
            weighed.p_change,
        )
        share = out.share.ravel()
        ways["network"] = Inferred(
            made,
            stated_loss_db(made, twin),
            shared_s + out.seconds,
            weighed,
            lambda of_entries: share * weighed.mean(of_entries),
        )
    return ways


def stated_loss_db(made: Correction, twin: MapTwin) -> float:
    """RMS uncertainty that a correction adds where it updates [dB]; 0 where nothing is."""
    added = np.maximum(np.square(made.sigma_db) - np.square(twin.sigma_db), 0)
    touched = ~made.is_preserved
    return float(np.sqrt(added[touched].mean())) if touched.any() else 0.0


def _says(told: tuple[Explanation, ...], posterior: Posterior) -> tuple[str, ...]:
    none = posterior.p_none
    if none > 0.5:
        return (f"none of the rehearsed edits explains the differences ({100 * none:.0f} %)",)
    if not told:
        return ("nothing that was rehearsed happened",)
    says: tuple[str, ...] = (f"explained by: {'; '.join(str(e) for e in told[:3])}",)
    if posterior.is_unexplained:
        says += ("that leaves more than noise: something else happened, or more than that",)
    return says


def _explanations(posterior: Posterior, weight: Floats) -> tuple[Explanation, ...]:
    """What most likely happened; nothing where none of these is likelier than any."""
    found: list[Explanation] = []
    for chance, entries in replace(posterior, weight=weight).named():
        if chance < 0.05 or chance <= posterior.p_none:
            continue
        if not entries:
            if not found:
                return ()
            continue
        hypotheses = tuple(posterior.library.entries[k].hypothesis for k in entries)
        found.append(Explanation(hypotheses, chance))
    return tuple(found)


def _correction(
    twin: MapTwin,
    verdicts: tuple[Agreement, ...],
    change: Floats,
    sd: Floats,
    chance: Floats,
    explained: Floats,
    told: tuple[Explanation, ...],
    reasons: tuple[str, ...],
    p_change: float = 0.0,
) -> Correction:
    kept = chance <= PRESERVE_CHANCE
    deviates = any(verdict.verdict in _DEVIATES for verdict in verdicts)
    # What a twin states of itself may be wide enough for a change that an edit explains.
    is_explained = p_change > 0.5 and any(verdict.verdict == "agrees" for verdict in verdicts)
    if not (deviates or is_explained):
        return Correction.nothing(twin, verdicts, "the twin agrees: nothing is changed")
    gain = np.maximum(twin.gain_db + change, FLOOR_DB)
    return Correction(
        gain_db=np.where(kept, twin.gain_db, gain),
        sigma_db=np.where(kept, twin.sigma_db, np.hypot(twin.sigma_db, sd)),
        chance=chance,
        agreements=verdicts,
        explained_db=explained,
        explanations=told,
        gain_nats=0.0,
        reasons=(*(str(verdict) for verdict in verdicts), *reasons),
        num_traces=0,
    )
