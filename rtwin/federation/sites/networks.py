"""Networks that sites trained from one start: their weights as one flat array each, and one of all.

The rules of rtwin.federation.defence take them as they take everything else. A network of
rtwin.horizontal, or any other whose weights are a list of arrays, fits.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError, StoreError, nearest
from rtwin.federation.defence import RULES, Trusted, default_rule
from rtwin.federation.learning import learn_on_arrival
from rtwin.files import check_not_input
from rtwin.scene._model import one_line

Learner = Callable[[Floats], Floats]  # weights, to those after some epochs on data of its own


def flat(arrays: Sequence[NDArray[Any]]) -> Floats:
    """A network's arrays, such as Keras' get_weights, as one, [weight]."""
    if not arrays:
        return np.zeros(0)
    return np.concatenate([np.asarray(a, np.float64).ravel() for a in arrays])


def shaped(weights: Floats, like: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Arrays of the shapes and types of others, such as Keras' set_weights takes.

    Raises:
        OutOfRangeError: if there are more or fewer weights than places.
    """
    sizes = [int(np.size(a)) for a in like]
    if sum(sizes) != len(weights):
        raise OutOfRangeError(f"{len(weights)} weights for {sum(sizes)} places of a network")
    parts = np.split(weights, np.cumsum(sizes)[:-1]) if sizes else []
    return [p.reshape(np.shape(a)).astype(a.dtype) for p, a in zip(parts, like, strict=True)]


def learn_networks(
    learners: Sequence[Learner],
    weights: Floats,
    rounds: int,
    rule: str | None = None,
    fakes: int = 0,
) -> Floats:
    """Rounds of sites that train with their own tools: weights go out, weights come back.

    Args:
        learners: One for each site.
        weights: To start from, [weight].
        rounds: How many.
        rule: Of RULES, none that needs clean data; default: biweight.
        fakes: Liars that Krum and Multi-Krum expect.
    Returns:
        [weight].
    Checked by tests/federation/sites/test_networks.py: of sites that learn linear models it
    is learn_in_rounds.
    """
    combine = _rule(rule)
    weights = np.array(weights, np.float64)
    for _ in range(rounds):
        updates = np.stack([learn(weights.copy()) for learn in learners]) - weights
        weights = weights + combine(updates, Trusted(fakes))
    return weights


def learn_networks_on_arrival(
    learners: Sequence[Learner], weights: Floats, each: int, seconds: Floats
) -> Floats:
    """The same where nobody waits: what a site sends counts by how old its start is by then.

    Args:
        learners: One for each site.
        weights: To start from, [weight].
        each: Updates of each site.
        seconds: What a site needs for one, [site].
    Returns:
        [weight].
    Checked by tests/federation/sites/test_networks.py: of sites that learn linear models it
    is learn_asynchronously.
    """
    return learn_on_arrival(lambda k, began: learners[k](began), weights, seconds, each)[0]


def aggregate_networks(
    files: Sequence[str | Path], output: str | Path, rule: str | None = None, fakes: int = 0
) -> dict[str, Any]:
    """One file of weights from those of several sites, as `rtwin horizontal train` writes them.

    Thresholds and scales of intervals are medians of the sites'.

    Args:
        files: Of networks of one kind; they must have been trained from one start.
        output: File to write, .npz.
        rule: Of RULES, none that needs clean data; default: biweight.
        fakes: Liars that Krum and Multi-Krum expect.
    Returns:
        rule, sites, weights, and by file the distance of its weights from the result.
    Raises:
        StoreError: if a file is none, or they hold different networks.
        OutOfRangeError: if the rule is unknown or needs clean data, or there are no files.
    Checked by tests/federation/sites/test_networks.py.
    """
    from rtwin.horizontal.learned.worlds import load_arrays, save_arrays

    if not files:
        raise OutOfRangeError("there are no networks; give files of two sites or more")
    combine = _rule(rule)
    check_not_input(Path(output), *files)
    loaded = [load_arrays(Path(file)) for file in files]
    names = sorted(loaded[0][0])
    first = [loaded[0][0][name] for name in names]
    for file, (arrays, told) in zip(files, loaded, strict=True):
        shapes = [np.shape(arrays[name]) for name in sorted(arrays)]
        same = sorted(arrays) == names and shapes == [np.shape(a) for a in first]
        if not same or told.get("kind") != loaded[0][1].get("kind"):
            raise StoreError(f"{one_line(file)}: holds another network than {one_line(files[0])}")
    weights = np.stack([flat([arrays[name] for name in names]) for arrays, _ in loaded])
    if not np.isfinite(weights).all():
        row = int(np.flatnonzero(~np.isfinite(weights).all(axis=1))[0])
        raise StoreError(f"{one_line(files[row])}: holds weights that are not finite")
    made = combine(weights, Trusted(fakes))
    chosen = rule or default_rule(False)
    told = {**loaded[0][1], **_middle([told for _, told in loaded])}
    told |= {"rule": chosen, "sites": len(files)}
    arrays = dict(zip(names, shaped(made, first), strict=True))
    save_arrays(Path(output), arrays, told)
    away = np.linalg.norm(weights - made, axis=1)
    return {
        "rule": chosen,
        "sites": len(files),
        "weights": weights.shape[1],
        "distance": {str(file): float(d) for file, d in zip(files, away, strict=True)},
    }


def _rule(name: str | None) -> Callable[[Floats, Trusted], Floats]:
    name = name or default_rule(False)
    free = [known for known, rule in RULES.items() if not rule.needs_root]
    if name not in free:
        raise OutOfRangeError(f"rule is {name!r}; {nearest(name, free)}")
    return RULES[name].apply


def _middle(told: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians of what calibration told of each; of scales by name."""
    found: dict[str, Any] = {}
    if all("threshold" in t for t in told):
        found["threshold"] = float(np.median([t["threshold"] for t in told]))
    if all(isinstance(t.get("scale"), dict) for t in told):
        names = set.intersection(*(set(t["scale"]) for t in told))
        found["scale"] = {n: float(np.median([t["scale"][n] for t in told])) for n in sorted(names)}
    return found
