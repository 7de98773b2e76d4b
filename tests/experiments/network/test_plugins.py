"""One's own policies and services: found, tried in an experiment, refused in one line."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.experiments import SimulatorSettings, Slice, SlicedNetwork, load_policy, load_services
from rtwin.experiments.fidelity import policies
from rtwin.experiments.network.services import Traffic

POLICY = """
import numpy as np

def halves(view):
    return np.full((view.num_cells, len(view.slices)), view.num_prb // (2 * len(view.slices)))

class Nothing:
    def __call__(self, view):
        return np.zeros((view.num_cells, len(view.slices)), int)

number = 3
"""
SERVICES = """
[[service]]
name = "game"
burst_bits = 8000
interval_s = 0.02
latency_s = 0.05
reliability = 0.99

[[service]]
name = "camera"
file = "camera.csv"
latency_s = 0.2
reliability = 0.95
"""
BURSTS = "time_s,bits\n5.0,1000\n5.5,3000\n6.0,2000\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_policy.py").write_text(POLICY)
    (tmp_path / "services.toml").write_text(SERVICES)
    (tmp_path / "camera.csv").write_text(BURSTS)
    return tmp_path


def test_policies_by_name(folder, steady):
    view = SlicedNetwork(steady, [Slice(load_services("services.toml")["game"], 10)]).view()
    assert load_policy("own_policy:halves")(view).tolist() == [[25], [25]]
    assert load_policy("own_policy:Nothing")(view).tolist() == [[0], [0]]
    assert list(policies({"mine": "own_policy:halves"}))[-1] == "mine"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("own_policy", "write MODULE:FUNCTION"),
        ("no_such_module:f", "No module named 'no_such_module'"),
        ("own_policy:missing", "has no function 'missing'"),
        ("own_policy:number", "has no function 'number'"),
    ],
)
def test_policies_that_are_none(folder, name, said):
    with pytest.raises(OutOfRangeError, match=said):
        load_policy(name)


def test_services_of_a_file(folder):
    found = load_services(folder / "services.toml")
    assert found["game"].rate_mbps == pytest.approx(0.4)
    camera = found["camera"]
    assert camera.interval_s == pytest.approx(0.5)
    assert camera.burst_bits == 2000
    assert camera.recorded == ((0.0, 1000.0), (0.5, 3000.0), (1.0, 2000.0))


def test_a_recording_is_played_over_and_over(folder):
    camera = load_services(folder / "services.toml")["camera"]
    game = load_services(folder / "services.toml")["game"]
    traffic = Traffic([game, camera, camera], 0.01, np.random.default_rng(2))
    bits = np.concatenate([traffic.arrivals(n) for n in (7, 143, 150, 300)])
    # 1.5 s a round: three bursts and a pause; four rounds in 6 s, each with the same 6000 bits.
    for ue in (1, 2):
        assert bits[:, ue].sum() == 4 * 6000
        np.testing.assert_array_equal(bits[:150, ue], bits[150:300, ue])
        assert sorted(set(bits[:, ue])) == [0, 1000, 2000, 3000]
    assert np.flatnonzero(bits[:, 1])[0] != np.flatnonzero(bits[:, 2])[0]
    assert bits[:, 0].sum() == pytest.approx(0.4e6 * 6, rel=0.01)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[service]]\nname = 'a'\nlatency_s = 1\nreliability = 1\n", "needs burst_bits and"),
        ("[[service]]\nname = 'a'\nlatency_s = -1\nreliability = 1\n", "latency_s"),
        ("[[servic]]\nname = 'a'\n", "service"),
        (SERVICES.replace("camera.csv", "gone.csv"), "no recording with columns time_s and bits"),
    ],
)
def test_files_that_are_no_services(folder, text, said):
    (folder / "bad.toml").write_text(text)
    with pytest.raises(OutOfRangeError, match=said) as raised:
        load_services(folder / "bad.toml")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "bursts",
    ["1,5\n", "2,5\n1,5\n", "1,5\n2,0\n", "1,5\n1,5\n", "-1,5\n2,5\n", "1,5\n2,nan\n", "a,b\n"],
)
def test_recordings_that_are_none(folder, bursts):
    (folder / "camera.csv").write_text("time_s,bits\n" + bursts)
    with pytest.raises(OutOfRangeError, match="recording"):
        load_services(folder / "services.toml")


def test_a_network_of_one_s_own_service(folder, steady):
    slices = [Slice(load_services("services.toml")["camera"], 4)]
    network = SlicedNetwork(steady, slices, SimulatorSettings(epoch_s=1.5))
    report = network.step(load_policy("own_policy:halves")(network.view()))
    assert report.offered_mbps[0] == pytest.approx(4 * 6000 / 1.5 / 1e6)
    assert report.throughput_mbps[0] == pytest.approx(report.offered_mbps[0], rel=0.5)
