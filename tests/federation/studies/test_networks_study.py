"""The study of networks on made-up operators whose best weights are known."""

import numpy as np
import pytest

from rtwin.experiments.study_files import write_study
from rtwin.federation.studies import NetworksStudy, networks, networks_results, run_networks

STUDY = NetworksStudy(scenes=1, rounds=3, epochs=2, seeds=2)
# What is best for each scene; operators' own are three corners, and the held-out ones like them.
BEST = {"blocks": (3.0, 0.0), "canyon": (0.0, 3.0), "courtyard": (3.0, 3.0), "yards": (2.0, 2.0)}


class Corners:
    """In place of a network: two weights, pulled half of the way to the examples' best."""

    def __init__(self, kind, seed):
        self.net = self

    def get_weights(self):
        return [np.zeros((1, 2), np.float32)]

    def learn(self, weights, examples, epochs, rng):
        here = weights[0]
        for _ in range(epochs):
            here = here + 0.5 * (np.mean(examples, axis=0) - here)
        return [here]

    def squares(self, weights, examples):
        off = np.square(weights[0] - np.array(examples)).sum()
        return float(off), float(np.square(examples).sum())


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "Lessons", Corners)
        patch.setattr(networks, "ensure_cases", lambda folder, names, *size, progress: names)
        patch.setattr(networks, "read_cases", lambda name: name)
        patch.setattr(
            networks,
            "arrays_of",
            lambda scenes, *rest: [BEST[name.rpartition("_")[0]] for name in scenes],
        )
        return run_networks(STUDY, tmp_path_factory.mktemp("cases"))


def errors(found, by):
    return next(t.error for t in found if t.by == by and t.seed == 1)


def test_alone_is_best_at_home_and_together_best_over_all(found):
    together, alone = errors(found, "federated"), errors(found, "blocks alone")
    assert alone["blocks_100"] < together["blocks_100"]
    for kind in networks.OPERATORS:
        assert together[networks.ALL] < errors(found, f"{kind} alone")[networks.ALL]
    assert together["yards_0"] < alone["yards_0"]
    assert errors(found, "nobody") == dict.fromkeys((*networks.HELD_OUT, networks.ALL), 1.0)


def test_rounds_of_linear_pulls_are_all_data_in_one_place(found):
    assert errors(found, "federated") == pytest.approx(errors(found, "all data in one place"))


def test_weights_alone_are_sent_there_and_back(found):
    sent = {t.by: t.sent_bytes for t in found}
    assert sent.pop("federated") == 2 * 3 * 4 * 2
    assert set(sent.values()) == {0}


def test_files_and_paired_differences(found, tmp_path):
    results = networks_results(STUDY, found)
    names = {file.name for file in write_study(results, tmp_path)}
    assert {"networks.md", "networks-errors.csv", "networks-errors.png"} <= names
    rows = {row["against"]: row["difference"] for row in results.tables[1].rows}
    assert set(rows) == {f"{k} alone" for k in BEST if k != "yards"} | {
        "nobody",
        "all data in one place",
    }
    assert results.arrays.error.dims == ("seed", "trained_by", "scene")
