"""Scenario alignment: a generated dataset weighted towards measured distributions.

A dataset of random places need not look like where somebody measured: too many
links in sight, too little delay spread. Weights of its links make its
distributions those that were measured, as far as it has such links at all; how
far that is the effective number of links says.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression

from rtwin.arrays import Floats
from rtwin.calibration.campaign import read_table
from rtwin.calibration.judgement import plain
from rtwin.channel import (
    PathSet,
    path_gain,
    rician_k_factor,
    rms_angular_spread,
    rms_delay_spread_s,
)
from rtwin.dataset import open_dataset
from rtwin.dataset.inspection import is_hdf5, open_container, read_attributes
from rtwin.dataset.schema import PATHS_FORMAT
from rtwin.dataset.store import plain_errors, provenance, write_whole
from rtwin.errors import CampaignError, OutOfRangeError, StoreError
from rtwin.files import check_not_input, check_regular, check_replaceable
from rtwin.units import to_db

Method = Literal["quantile", "importance"]
METHODS = ("quantile", "importance")
_BINS = 10
_ROUNDS = 200
_ENOUGH = 1e-3  # largest difference of shares at which raking has arrived
_MOST = 50.0  # a link may count so many times the mean
_FEWEST = 20
_K_LIMIT_DB = 40.0


def _spread_deg(angle: Any) -> Callable[[PathSet], Floats]:
    return lambda paths: np.degrees(rms_angular_spread(paths, angle))


QUANTITIES: dict[str, Callable[[PathSet], Floats]] = {
    "path_gain_db": lambda paths: to_db(path_gain(paths)),
    "rms_delay_spread_s": rms_delay_spread_s,
    "aod_azimuth_spread_deg": _spread_deg("aod_azimuth"),
    "aoa_azimuth_spread_deg": _spread_deg("aoa_azimuth"),
    "aod_zenith_spread_deg": _spread_deg("aod_zenith"),
    "aoa_zenith_spread_deg": _spread_deg("aoa_zenith"),
    # Without line of sight, or with nothing else, a K factor has no number of decibels.
    "k_factor_db": lambda paths: np.clip(to_db(rician_k_factor(paths)), -_K_LIMIT_DB, _K_LIMIT_DB),
}


# What a measured value can be; an average of angles beyond two turns is none.
POSSIBLE = {
    "path_gain_db": (-400.0, 100.0),
    "rms_delay_spread_s": (0.0, 1.0),
    **{name: (0.0, 720.0) for name in QUANTITIES if name.endswith("_deg")},
    "k_factor_db": (-400.0, 400.0),
}


def link_quantities(file: str | Path, names: tuple[str, ...]) -> dict[str, Floats]:
    """Some quantities of every link of a dataset, [link]; not finite where there are none."""
    found: dict[str, list[Floats]] = {name: [] for name in names}
    with open_dataset(file) as dataset:
        for _, paths in dataset.batches():
            for name in names:
                with np.errstate(divide="ignore", invalid="ignore"):
                    found[name].append(QUANTITIES[name](paths))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def read_quantities(file: str | Path) -> dict[str, Floats]:
    """Columns of a table of measurements that are named as QUANTITIES.

    Another dataset of paths may stand for measurements.

    Raises:
        CampaignError: if it cannot be read or has none of them.
    """
    file = Path(file)
    if _is_dataset(file):
        return link_quantities(file, tuple(QUANTITIES))
    found = {}
    for name in QUANTITIES:
        try:
            found[name] = read_table(file, {name})[name]
        except CampaignError as error:
            if "has no column" not in str(error):
                raise
    if not found:
        raise CampaignError(f"{file}: has none of the columns {', '.join(QUANTITIES)}")
    for name, values in found.items():
        if values.dtype.kind != "f" or np.isfinite(values).sum() < _FEWEST:
            raise CampaignError(f"{file}: column '{name}' needs {_FEWEST} numbers or more")
        low, high = POSSIBLE[name]
        lost = np.isfinite(values) & ~((values >= low) & (values <= high))
        if lost.any():
            row = int(np.argmax(lost))
            raise CampaignError(
                f"{file}: column '{name}': row {row + 1} has {values[row]:g}; it must be "
                f"{low:g} to {high:g}"
            )
    return found


def _is_dataset(file: Path) -> bool:
    if not is_hdf5(file):
        return False
    with open_container(file) as h5:
        return read_attributes(str(file), h5).get("format") == PATHS_FORMAT


def align_weights(
    generated: Mapping[str, ArrayLike],
    measured: Mapping[str, ArrayLike],
    method: Method = "quantile",
    offset_db: float | None = 0.0,
) -> Floats:
    """Weights of generated links that bring their distributions to the measured ones.

    Args:
        generated: Quantities by name, [link] each; links with a value that is not
            finite get the weight 0.
        measured: The same quantities, [row] each; rows need not belong together
            with "quantile", they must with "importance".
        method: "quantile": shares of ten bins of each measured distribution are
            met in turn (raking); "importance": the ratio of the joint densities,
            from a classifier.
        offset_db: Added to the generated path gain first; None: the difference of
            the medians, where levels are measured and not gains.
    Returns:
        [link], mean 1 over the links that count.
    Raises:
        OutOfRangeError: if there is another method, no quantity in common, or no link like
            what was measured.
    Source: iterative proportional fitting (Deming and Stephan, 1940); density ratios
    by probabilistic classification (Bickel et al., 2009); checked by
    tests/calibration/application/test_dataset_alignment.py on distributions whose ratio is known.
    """
    names = [name for name in generated if name in measured]
    if method not in METHODS:
        raise OutOfRangeError(f"method is {method!r}, it must be {' or '.join(METHODS)}")
    if not names:
        raise OutOfRangeError(
            f"generated are {', '.join(generated)}, measured {', '.join(measured)}: none in common"
        )
    own = {name: np.asarray(generated[name], np.float64).copy() for name in names}
    real = {name: np.asarray(measured[name], np.float64) for name in names}
    real = {name: v[np.isfinite(v)] if method == "quantile" else v for name, v in real.items()}
    if "path_gain_db" in own:
        own["path_gain_db"] += _offset(own["path_gain_db"], real["path_gain_db"], offset_db)
    counts = np.all([np.isfinite(own[name]) for name in names], axis=0)
    weight = np.zeros(len(counts))
    if counts.sum() < _FEWEST:
        raise OutOfRangeError(f"{counts.sum()} links have all quantities; {_FEWEST} are needed")
    columns = np.column_stack([own[name][counts] for name in names])
    if method == "quantile":
        weight[counts] = _raked(columns, [real[name] for name in names])
    else:
        rows = np.column_stack([real[name] for name in names])
        weight[counts] = _density_ratio(columns, rows[np.isfinite(rows).all(axis=1)])
    if not weight.sum() > 0:
        spans = ", ".join(
            f"{name} {own[name][counts].min():.4g} to {own[name][counts].max():.4g}, measured "
            f"{np.nanmin(real[name]):.4g} to {np.nanmax(real[name]):.4g}"
            for name in names
        )
        raise OutOfRangeError(f"no link is like what was measured ({spans}); check the units")
    return weight


def _offset(own: Floats, real: Floats, offset_db: float | None) -> float:
    if offset_db is not None:
        return offset_db
    return float(np.median(real[np.isfinite(real)]) - np.median(own[np.isfinite(own)]))


def _raked(columns: Floats, measured: list[Floats]) -> Floats:
    weight = np.ones(len(columns))
    bins, shares = [], []
    for column, values in zip(columns.T, measured, strict=True):
        # Equal values cannot be told apart: fewer bins then.
        edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
        own, real = np.searchsorted(edges, column), np.searchsorted(edges, values)
        share = np.bincount(real, minlength=len(edges) + 1) / len(values)
        share = np.where(np.bincount(own, minlength=len(edges) + 1) > 0, share, 0.0)
        bins.append(own)
        shares.append(share / max(share.sum(), 1e-12))
    for _ in range(_ROUNDS):
        off = 0.0
        for own, share in zip(bins, shares, strict=True):
            here = np.bincount(own, weight, minlength=len(share)) / weight.sum()
            off = max(off, float(np.abs(here - share).max()))
            weight = weight * (share / np.maximum(here, 1e-12))[own]
            if not weight.sum() > 0:
                return np.zeros(len(columns))
        weight = np.minimum(weight / weight.mean(), _MOST)
        if off < _ENOUGH:
            break
    return weight / weight.mean()


def _density_ratio(columns: Floats, measured: Floats) -> Floats:
    both = np.concatenate([columns, measured])
    center, spread = both.mean(axis=0), np.maximum(both.std(axis=0), 1e-30)
    own, real = ((rows - center) / spread for rows in (columns, measured))

    def features(rows: Floats) -> Floats:
        size = rows.shape[1]
        products = [rows[:, i] * rows[:, j] for i in range(size) for j in range(i, size)]
        return np.column_stack([rows, *products])

    label = np.concatenate([np.zeros(len(own)), np.ones(len(real))])
    model = LogisticRegression(max_iter=2000).fit(features(np.concatenate([own, real])), label)
    logit = model.decision_function(features(own))
    weight = np.exp(np.clip(logit, -30, 30))
    weight = np.minimum(weight / weight.mean(), _MOST)
    return np.asarray(weight / weight.mean(), np.float64)


def effective_links(weight: ArrayLike) -> float:
    """How many equally weighted links weights are worth (Kish, 1965)."""
    weight = np.asarray(weight, np.float64)
    return float(weight.sum() ** 2 / max((weight**2).sum(), 1e-300))


def distance(values: ArrayLike, weight: ArrayLike, measured: ArrayLike) -> tuple[float, float]:
    """Kolmogorov-Smirnov and Wasserstein distance of a weighted sample from a measured one.

    Returns:
        The largest difference of the distribution functions, and the mean
        distance of the quantiles in the values' unit.
    """
    values, weight, measured = (np.asarray(v, np.float64) for v in (values, weight, measured))
    kept = np.isfinite(values) & (weight > 0)
    values, weight, measured = values[kept], weight[kept], measured[np.isfinite(measured)]
    at = np.sort(np.concatenate([values, measured]))
    order = np.argsort(values)
    total = np.concatenate([[0.0], np.cumsum(weight[order])]) / weight.sum()
    own = total[np.searchsorted(values[order], at, side="right")]
    real = np.searchsorted(np.sort(measured), at, side="right") / len(measured)
    gap = np.abs(own - real)
    return float(gap.max()), float((gap[:-1] * np.diff(at)).sum())


def align(
    dataset: str | Path,
    measured: str | Path,
    output: str | Path,
    *,
    method: Method = "quantile",
    offset_db: float | None = 0.0,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Weight a dataset towards measured distributions, and report how near it comes.

    Args:
        dataset: Dataset of paths.
        measured: Table with columns named as QUANTITIES, one row per measured link.
        output: JSON file of the report; weights of all links are in it.
        method, offset_db: As align_weights has them.
        overwrite: Replace an older report; without it, a finished report of the same
            request is read.
    Returns:
        The report: for each quantity its distance before and after, the effective
        number of links, and `weight`, [link].
    Raises:
        StoreError: if a file cannot be read or written.
        CampaignError, OutOfRangeError: if the measurements cannot be used.
    """
    output = Path(output)
    check_not_input(output, dataset, measured)
    check_replaceable(output)
    request = _request(dataset, measured, method, offset_db)
    if output.exists() and not overwrite:
        report = json.loads(output.read_bytes())
        if report.get("request_hash") == request:
            return report | {"weight": np.array(report["weight"], np.float64)}
        raise StoreError(f"{output}: exists; choose another name, or ask to overwrite it")
    real = read_quantities(measured)
    own = link_quantities(dataset, tuple(real))
    if "path_gain_db" in own:
        own["path_gain_db"] += _offset(own["path_gain_db"], real["path_gain_db"], offset_db)
    weight = align_weights(own, real, method)
    rows = {}
    for name in real:
        before, after = (distance(own[name], w, real[name]) for w in (weight > 0, weight))
        rows[name] = {
            "ks_before": before[0],
            "ks_after": after[0],
            "wasserstein_before": before[1],
            "wasserstein_after": after[1],
        }
    report = {
        "format": "rtwin-alignment-1",
        "dataset": str(dataset),
        "measured": str(measured),
        "method": method,
        "links": int((weight > 0).sum()),
        "effective_links": effective_links(weight),
        "quantities": rows,
        "weight": weight,
        "request_hash": request,
        "versions": provenance(),
    }
    with plain_errors(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        write_whole(output, json.dumps(plain(report), indent=1).encode())
    return report


def _request(dataset: str | Path, measured: str | Path, method: str, offset: float | None) -> str:
    """Hash of everything that shapes a report."""
    digest = hashlib.sha256(json.dumps([method, offset, provenance()]).encode())
    for file in (dataset, measured):
        check_regular(Path(file))
        with plain_errors(Path(file), "give another file"), open(file, "rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
