"""Rules of aggregation against those of ByzFL, in an environment of its own."""

from pathlib import Path

import numpy as np
import pytest

from rtwin.federation.defence import rules

from ..peers import python_of, run_peer

SCRIPTS = Path(__file__).parent / "peers"


@pytest.mark.peer
@pytest.mark.parametrize(("honest", "fakes", "weights"), [(9, 3, 7), (25, 6, 40), (25, 17, 40)])
def test_rules_are_those_of_byzfl(honest, fakes, weights, tmp_path):
    # Without its dependencies: PyTorch is not needed for arrays of NumPy.
    python = python_of("byzfl", ["byzfl==0.0.11", "numpy", "scipy"], ["--no-deps"])
    rng = np.random.default_rng(fakes)
    true = rng.normal(size=(honest, weights))
    updates = np.concatenate([true, rng.normal(3.0, 2.0, (fakes, weights))])
    np.save(tmp_path / "updates.npy", updates)
    out = tmp_path / "out.npz"
    run_peer(python, SCRIPTS / "byzfl_rules.py", tmp_path / "updates.npy", fakes, out)
    found = np.load(out)
    count = len(updates)
    # ByzFL asks for the n - f - 1 nearest, one more than Blanchard et al.
    scores = rules.krum_scores(updates, fakes - 1)
    order = np.argsort(scores)
    ours = {
        "mean": rules.mean(updates),
        "median": rules.median(updates),
        "trimmed": rules.trimmed_mean(updates, (fakes + 0.5) / count),
        "krum": updates[order[0]],
        "multi_krum": updates[order[: count - fakes]].mean(axis=0),
        "geometric_median": rules.geometric_median(updates, 2000),
    }
    assert sorted(ours) == sorted(found.files)
    for name, value in ours.items():
        np.testing.assert_allclose(value, found[name], rtol=1e-6, atol=1e-9, err_msg=name)
