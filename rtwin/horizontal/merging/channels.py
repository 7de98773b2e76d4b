"""Merge several channel twins into one, path by path where more than one knows a link.

Two paths of one link are the same where they meet the same kinds of interactions after the same
delay under the same angles. A path that all twins of a link have is kept; one that only some have
is kept where these are trusted more than those that lack it. A younger twin outweighs an older
one, so that paths of a world that is gone go; twins of equal age keep all that any of them found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Complexes, Floats, Ints
from rtwin.errors import OutOfRangeError
from rtwin.horizontal.levels import floored_db
from rtwin.horizontal.merging.fusion import DISAGREE_SIGMA, Rule, disagreement, fuse
from rtwin.units import from_db, to_db, unit_vector

SAME_DELAY_S = 1e-9
SAME_ANGLE_RAD = np.radians(2.0)
LEAST_AGREEMENT = 0.5


@dataclass(frozen=True, eq=False)
class LinkPaths:
    """Paths of one twin, its links numbered as in the merged one.

    Attributes:
        link: Links that the twin covers, with or without paths, [covered].
        path_link: Link of each path, [path].
        columns: Variables of the paths by name, [path, ...]; see rtwin.dataset.schema.
        sigma_db: How far its powers may be off, age included [dB].
    """

    link: Ints
    path_link: Ints
    columns: Mapping[str, NDArray[Any]]
    sigma_db: float


@dataclass(frozen=True, eq=False)
class MergedPaths:
    """Paths of all twins, sorted by link and delay.

    Attributes:
        num_paths: Of each link, [link].
        columns: Variables of the paths by name, [path, ...].
        agreement: Share of the trust in a link's twins that those with this path have, [path].
        sigma_db: Uncertainty of the path's power [dB], [path].
        num_twins: Twins that cover each link, [link].
        disagreement: Largest difference of two twins' path gains over its standard deviation;
            0 where fewer than two cover the link, [link].
        num_dropped: Paths left out, since the twins that have them are trusted too little, [link].
    """

    num_paths: Ints
    columns: dict[str, NDArray[Any]]
    agreement: Floats
    sigma_db: Floats
    num_twins: Ints
    disagreement: Floats
    num_dropped: Ints

    @property
    def needs_trace(self) -> Bools:
        """Links on which twins disagree by more than 3 standard deviations."""
        return self.disagreement > DISAGREE_SIGMA


def merge_paths(
    twins: Sequence[LinkPaths],
    num_links: int,
    *,
    rule: Rule = "covariance-intersection",
    least_agreement: float = LEAST_AGREEMENT,
) -> MergedPaths:
    """Merge the paths of several twins, link by link.

    Geometry and phase of a path that several have are those of the twin that is trusted most,
    its power is fused from all.

    Args:
        twins: Two or more; the columns of all have equal names, and equal shapes but for paths.
        num_links: Links of the merged twin.
        rule: See rtwin.horizontal.merging.fusion.fuse.
        least_agreement: Agreement that a path needs to stay, 0 (all stay) to 1.
    Raises:
        OutOfRangeError: if there are fewer than two twins, or the agreement is impossible.
    Checked by tests/horizontal/merging/test_channels.py.
    """
    if len(twins) < 2:
        raise OutOfRangeError(f"there is {len(twins)} channel twin to merge; give two or more")
    if not 0 <= least_agreement <= 1:
        raise OutOfRangeError(f"least agreement is {least_agreement:g}; it must be from 0 to 1")
    columns = {
        name: np.concatenate([twin.columns[name] for twin in twins]) for name in twins[0].columns
    }
    link = np.concatenate([twin.path_link for twin in twins])
    owner = np.repeat(np.arange(len(twins)), [len(twin.path_link) for twin in twins])
    precision = np.array([1.0 / twin.sigma_db**2 for twin in twins])
    covers = np.zeros((len(twins), num_links), bool)
    for row, twin in zip(covers, twins, strict=True):
        row[twin.link] = True
    cluster = _same_paths(link, owner, columns)
    power = _power(columns["a"])
    first, agreement, level_db, sigma_db = _fused(
        cluster, owner, to_db(power), precision, covers.T @ precision, link, rule
    )
    kept = agreement >= least_agreement - 1e-9
    order = np.lexsort((columns["delay_s"][first], link[first]))
    rows, kept_rows = first[order], kept[order]
    chosen = rows[kept_rows]
    found = {name: values[chosen] for name, values in columns.items()}
    gain = np.sqrt(from_db(level_db[order][kept_rows] - to_db(power[chosen])))
    found["a"] = (found["a"] * gain[:, None, None]).astype(columns["a"].dtype)
    return MergedPaths(
        np.bincount(link[chosen], minlength=num_links),
        found,
        agreement[order][kept_rows],
        sigma_db[order][kept_rows],
        covers.sum(axis=0),
        _link_disagreement(twins, num_links, covers),
        np.bincount(link[rows[~kept_rows]], minlength=num_links),
    )


def _power(a: Complexes) -> Floats:
    """Power of a path over all polarisations, kept above 0, [path]."""
    return np.maximum((np.abs(a.astype(np.complex128)) ** 2).sum(axis=(1, 2)), 1e-30)


def _same_paths(link: Ints, owner: Ints, columns: Mapping[str, NDArray[Any]]) -> Ints:
    """Number of the path that each row is one twin's view of, [row]; the nearest pairs first."""
    delay = columns["delay_s"]
    kinds = np.column_stack([link, columns["interactions"]])
    _, group = np.unique(kinds, axis=0, return_inverse=True)
    group = group.ravel()
    order = np.lexsort((delay, group))
    ways = np.stack([_directions(columns, order, end) for end in ("aod", "aoa")])
    pairs: list[NDArray[Any]] = []
    apart: list[Floats] = []
    shift = 1
    while shift < len(order):
        a, b = order[:-shift], order[shift:]
        near = (group[a] == group[b]) & (delay[b] - delay[a] <= SAME_DELAY_S)
        if not near.any():
            break
        turned = np.arccos(np.clip((ways[:, :-shift] * ways[:, shift:]).sum(axis=-1), -1, 1))
        same = near & (turned <= SAME_ANGLE_RAD).all(axis=0) & (owner[a] != owner[b])
        pairs.append(np.column_stack([a, b])[same])
        apart.append(
            (delay[b] - delay[a])[same] / SAME_DELAY_S + turned.max(axis=0)[same] / SAME_ANGLE_RAD
        )
        shift += 1
    members: dict[int, list[int]] = {}
    root = np.arange(len(link))
    if pairs:
        nearest = np.argsort(np.concatenate(apart), kind="stable")
        for a, b in np.concatenate(pairs)[nearest].tolist():
            one, other = int(root[a]), int(root[b])
            if one == other:
                continue
            left, right = members.get(one, [one]), members.get(other, [other])
            if {int(owner[n]) for n in left} & {int(owner[n]) for n in right}:
                continue  # a twin has each path once
            members[one] = left + right
            members.pop(other, None)
            root[right] = one
    return root


def _directions(columns: Mapping[str, NDArray[Any]], order: Ints, end: str) -> Floats:
    """Unit vectors of departure or arrival, [row, 3]."""
    return unit_vector(
        columns[f"{end}_azimuth"][order].astype(np.float64),
        columns[f"{end}_zenith"][order].astype(np.float64),
    )


def _fused(
    cluster: Ints,
    owner: Ints,
    level_db: Floats,
    precision: Floats,
    trust: Floats,
    link: Ints,
    rule: Rule,
) -> tuple[Ints, Floats, Floats, Floats]:
    """Of each cluster: the most trusted row, agreement, fused level and its uncertainty [dB]."""
    roots, number = np.unique(cluster, return_inverse=True)
    value = np.full((len(precision), len(roots)), 0.0)
    variance = np.full(value.shape, np.inf)
    row = np.zeros(value.shape, np.int64)
    value[owner, number] = level_db
    variance[owner, number] = 1.0 / precision[owner]
    row[owner, number] = np.arange(len(owner))
    fused, left = fuse(value, variance, rule)
    best = variance.argmin(axis=0)
    has = np.isfinite(variance)
    agreement = (has * precision[:, None]).sum(axis=0) / trust[link[roots]]
    return row[best, np.arange(len(roots))], agreement, fused, np.sqrt(left)


def _link_disagreement(twins: Sequence[LinkPaths], num_links: int, covers: Bools) -> Floats:
    """How far twins are apart in the path gain of links, in standard deviations, [link]."""
    gain = [np.bincount(t.path_link, _power(t.columns["a"]), num_links) for t in twins]
    variance = np.where(covers, np.array([[twin.sigma_db**2] for twin in twins]), np.inf)
    return disagreement(floored_db(np.array(gain)), variance)
