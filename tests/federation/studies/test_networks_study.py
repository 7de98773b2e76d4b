"""The study of networks on made-up operators whose best weights are known."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.experiments.study_files import write_study
from rtwin.federation.studies import NetworksStudy, networks, networks_results, run_networks
from rtwin.federation.studies.networks import ALL, ARRIVALS, CENTRAL, NOBODYS, ROUNDS, UNTRAINED

STUDY = NetworksStudy(scenes=1, rounds=3, epochs=2, seeds=2, workers=1)
# What is best for each kind of scene; what nobody has lies amid the operators' corners.
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
            lambda scenes, *rest, hidden=0: [BEST[name.rpartition("_")[0]] for name in scenes],
        )
        return run_networks(STUDY, tmp_path_factory.mktemp("cases"))


def errors(found, by):
    return next(t.error for t in found if t.by == by and t.seed == 1)


def test_alone_is_best_at_home_and_together_best_over_all(found):
    alone = errors(found, "blocks alone")
    for way in (ROUNDS, ARRIVALS):
        together = errors(found, way)
        assert alone["blocks"] < together["blocks"]
        for kind in networks.OPERATORS:
            assert together[ALL] < errors(found, f"{kind} alone")[ALL]
        assert together[NOBODYS] < alone[NOBODYS]
    assert errors(found, UNTRAINED) == dict.fromkeys((*networks.JUDGED, ALL), 1.0)


def test_rounds_of_linear_pulls_are_all_data_in_one_place(found):
    assert errors(found, ROUNDS) == pytest.approx(errors(found, CENTRAL))


def test_weights_alone_are_sent_there_and_back(found):
    sent = {t.by: t.sent_bytes for t in found}
    assert sent.pop(ROUNDS) == sent.pop(ARRIVALS) == 2 * 3 * 4 * 2
    assert set(sent.values()) == {0}


def test_no_scene_is_learned_from_and_judged():
    study = NetworksStudy(scenes=3, seeds=4)
    taught = [n for seed in range(4) for own in study.taught(seed).values() for n in own]
    judged = [n for seed in range(4) for n in study.judged(seed).values()]
    assert len(set(taught + judged)) == len(taught) + len(judged) == 3 * 3 * 4 + 4 * 4


def test_what_cannot_be_is_said():
    with pytest.raises(OutOfRangeError, match="rule has 'FLTrust'"):
        NetworksStudy(rule="FLTrust")
    with pytest.raises(OutOfRangeError, match="slowest is"):
        NetworksStudy(slowest=0.5)


def test_files_and_paired_differences(found, tmp_path):
    results = networks_results(STUDY, found)
    names = {file.name for file in write_study(results, tmp_path)}
    assert {"networks.md", "networks-errors.csv", "networks-errors.png"} <= names
    rows = {(r["trained by"], r["against"]): r[ALL] for r in results.tables[1].rows}
    assert len(rows) == 2 * 6
    gap = errors(found, ROUNDS)[ALL] - errors(found, "blocks alone")[ALL]
    assert gap < 0
    assert rows[ROUNDS, "blocks alone"].mean == pytest.approx(gap)
    assert results.arrays.error.dims == ("seed", "trained_by", "kind")


@pytest.mark.slow
def test_a_tiny_study_traces_learns_and_judges(tmp_path):
    pytest.importorskip("tensorflow")
    study = NetworksStudy(scenes=1, edits=4, truths=4, rounds=1, epochs=1, seeds=1)
    found = {t.by: t for t in run_networks(study, tmp_path)}
    assert len({t.error[ALL] for t in found.values()}) == len(found) == 7
    assert all(0.0 < t.error[ALL] < 3.0 for t in found.values())
    # Weights went, maps stayed: what was sent is far less than one scene's file of cases.
    weights = networks.Lessons(networks.KIND, 1).net.get_weights()
    assert found[ROUNDS].sent_bytes == 2 * 4 * sum(w.size for w in weights) < 500_000
