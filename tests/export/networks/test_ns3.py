"""QdFiles, SioLENA, loss tables and fading traces, read as ns-3 reads them."""

import csv
import re

import numpy as np
import pytest

from rtwin.channel import cfr, path_gain, path_gain_coherent
from rtwin.dataset import generate, open_dataset
from rtwin.errors import OutOfRangeError
from rtwin.export import export
from rtwin.export.networks.qd import SIOLENA_MAX_PATHS

from .. import readers

FREQUENCIES = np.arange(-8, 8) * 1e6
FOLDER = {"qd-files": "QdFiles", "siolena": "Channel"}


def ours(file, times_s=(0.0,)):
    """Responses [rx, tx, time, frequency] and the carrier."""
    with open_dataset(file) as dataset:
        h = cfr(dataset.paths(), FREQUENCIES, times_s)[:, 0, 0]
        return h.reshape(dataset.num_rx, dataset.num_tx, *h.shape[1:]), dataset.recipe.frequency_hz


@pytest.mark.parametrize("name", ["qd-files", "siolena"])
def test_channels_come_back(name, standing, tmp_path):
    export(standing, name, tmp_path / "s", steps=3, duration_s=0.3)
    h, carrier = ours(standing)
    folder = tmp_path / "s" / "Output" / "Ns3" / FOLDER[name]
    for rx in range(5):
        for tx in range(2):
            steps = readers.qd_file(folder / f"Tx{tx}Rx{rx + 2}.txt", 3)
            found = readers.qd_response(steps[0], FREQUENCIES, carrier, name == "siolena")
            np.testing.assert_allclose(found, h[rx, tx, 0], atol=1e-6 * np.abs(h).max())
            assert ((steps[0][3] >= 0) & (steps[0][3] <= 180)).all()
            assert ((steps[0][4] >= 0) & (steps[0][4] < 360)).all()
            back = readers.qd_file(folder / f"Tx{rx + 2}Rx{tx}.txt", 3)
            np.testing.assert_array_equal(back[0][[0, 1, 2, 5, 6, 3, 4]], steps[0])
    found = readers.qd_parameters(tmp_path / "s")
    assert found == {
        "numberOfTimeDivisions": 3,
        "totalTimeDuration": 0.3,
        "carrierFrequency": carrier,
    }


def test_arrays_of_ns3_see_our_directions(standing, tmp_path):
    """Elements apart by half a wavelength along x, as the reader steers them, and as we do."""
    from rtwin.channel import AntennaArray
    from rtwin.units import wavelength_m

    export(standing, "qd-files", tmp_path / "s")
    step = readers.qd_file(tmp_path / "s/Output/Ns3/QdFiles/Tx0Rx2.txt", 1)[0]
    with open_dataset(standing) as dataset:
        paths = dataset.paths(0, 1)
    delay, gain, phase, zenith_d, azimuth_d, zenith_a, azimuth_a = step
    shift = 0.5 * (
        np.sin(np.radians(zenith_d)) * np.cos(np.radians(azimuth_d))
        + np.sin(np.radians(zenith_a)) * np.cos(np.radians(azimuth_a))
    )
    angle = phase - 2 * np.pi * paths.frequency_hz * delay + 2 * np.pi * shift
    found = (10 ** (gain / 20) * np.exp(1j * angle)).sum()
    array = AntennaArray(np.array([[0.0, 0, 0], [wavelength_m(paths.frequency_hz) / 2, 0, 0]]))
    h = cfr(paths, [0.0], tx_array=array, rx_array=array)[0, 1, 1, 0, 0]
    assert abs(found - h) < 1e-5 * abs(h)


@pytest.mark.parametrize("name", ["qd-files", "siolena"])
def test_steps_follow_the_track(name, moving, tmp_path):
    export(moving, name, tmp_path / "s")
    h, carrier = ours(moving)
    folder = tmp_path / "s" / "Output" / "Ns3" / FOLDER[name]
    assert len(list(folder.iterdir())) == 4
    steps = readers.qd_file(folder / "Tx0Rx2.txt", 4)
    for time in range(4):
        found = readers.qd_response(steps[time], FREQUENCIES, carrier, name == "siolena")
        np.testing.assert_allclose(found, h[time, 0, 0], atol=1e-6 * np.abs(h).max())
    parameters = readers.qd_parameters(tmp_path / "s")
    assert parameters["numberOfTimeDivisions"] == 4
    assert parameters["totalTimeDuration"] == pytest.approx(2.8)


def test_standing_devices_turn_by_doppler(moving, tmp_path):
    export(moving, "siolena", tmp_path / "s", rx="2", duration_s=0.004, steps=1)
    with pytest.raises(OutOfRangeError, match="have times of their own"):
        export(moving, "siolena", tmp_path / "t", rx="2", steps=4)


def test_positions(standing, moving, tmp_path):
    export(standing, "qd-files", tmp_path / "a")
    export(moving, "siolena", tmp_path / "b")
    places = tmp_path / "a" / "Output" / "Ns3" / "NodesPosition"
    rows = np.loadtxt(places / "NodesPosition.csv", delimiter=",")
    with open_dataset(standing) as dataset:
        wanted = np.vstack([dataset.read("tx_position_m"), dataset.read("rx_position_m")])
    np.testing.assert_allclose(rows, wanted)
    assert (places / "ns3_position.txt").read_text().startswith("$node_(0) set X_ 0\n")
    places = tmp_path / "b" / "Output" / "Ns3" / "NodesPosition"
    assert sorted(p.name for p in places.iterdir()) == ["device0.csv", "device1.csv", "device2.csv"]
    walk = np.loadtxt(places / "device2.csv", delimiter=",")
    np.testing.assert_allclose(walk[0], [-30, 5, 1.5])
    assert len(walk) == 4


def first_of_each_pair(folder):
    """As qd-channel and SioLENA read: files by name, the first of a pair of nodes counts."""
    found = {}
    for name in sorted(file.name for file in folder.iterdir()):
        one, other = (int(part) for part in re.fullmatch(r"Tx(\d+)Rx(\d+)\.txt", name).groups())
        found.setdefault(frozenset((one, other)), (one, other))
    return found


@pytest.mark.parametrize("name", ["qd-files", "siolena"])
def test_departures_stay_departures_with_ten_nodes(name, two_boxes, tmp_path):
    places = [[-30.0 + n, 10, 1.5] for n in range(11)]
    dataset = generate(
        two_boxes(receivers={"kind": "list", "positions_m": places}), tmp_path / "many.h5"
    )
    report = export(dataset, name, tmp_path / "s")
    pairs = first_of_each_pair(tmp_path / "s" / "Output" / "Ns3" / FOLDER[name])
    assert len(pairs) == 2 * 11
    assert all(one < other for one, other in pairs.values())
    assert ("note" in report) == (name == "qd-files")  # of two transmitters it reads one
    assert "note" not in export(dataset, name, tmp_path / "t", tx="0")


def table(file):
    with open(file, newline="") as handle:
        return list(csv.DictReader(handle))


def test_lte_folder_holds_places_powers_and_losses(standing, moving, tmp_path):
    export(moving, "ns3-lte", tmp_path / "l")
    nodes, places = table(tmp_path / "l/nodes.csv"), table(tmp_path / "l/places.csv")
    assert [(node["kind"], node["name"]) for node in nodes] == [
        ("tx", "mast"),
        ("tx", "pole"),
        ("rx", "rx 0"),
    ]
    with open_dataset(moving) as dataset:
        power = dataset.read("tx_power_dbm")
        walk = dataset.read("rx_position_m")
    np.testing.assert_allclose([float(node["power_dbm"]) for node in nodes[:2]], power)
    steps = [row for row in places if row["node"] == "2"]
    assert [float(row["time_s"]) for row in steps] == pytest.approx([0, 0.7, 1.4, 2.1])
    found = [[float(row[axis]) for axis in ("x_m", "y_m", "z_m")] for row in steps]
    np.testing.assert_allclose(found, walk)
    export(standing, "ns3-loss", tmp_path / "loss.csv")
    export(standing, "ns3-lte", tmp_path / "s")
    assert (tmp_path / "s/losses.csv").read_text() == (tmp_path / "loss.csv").read_text()
    compile((tmp_path / "s/lte.py").read_text(), "lte.py", "exec")


def test_pairs_that_the_twin_lacks_are_written_on_request(standing, tmp_path):
    export(standing, "siolena", tmp_path / "s", complete=True)
    folder = tmp_path / "s" / "Output" / "Ns3" / "Channel"
    assert len(list(folder.iterdir())) == 7 * 6
    assert (folder / "Tx0Rx1.txt").read_text() == "0\n"


def test_what_they_cannot_say(standing, dual, two_boxes, tmp_path, monkeypatch):
    with pytest.raises(OutOfRangeError, match="tx_port"):
        export(dual, "qd-files", tmp_path / "x")
    with pytest.raises(OutOfRangeError, match="takes names that match"):
        export(standing, "qd-files", tmp_path / "aTx1")
    monkeypatch.setattr("rtwin.export.networks.qd.SIOLENA_MAX_PATHS", 5)
    with pytest.raises(OutOfRangeError, match="SioLENA reads 5"):
        export(standing, "siolena", tmp_path / "x")
    export(standing, "siolena", tmp_path / "x", strongest_paths=5)
    assert SIOLENA_MAX_PATHS == 255
    # A bend in the walls makes the receiver miss a time.
    broken = two_boxes(
        receivers={
            "kind": "trajectory",
            "waypoints_m": [[20, 0, 5], [20, 30, 5]],
            "speed_m_s": 10,
            "interval_s": 0.5,
        }
    )
    generate(broken, tmp_path / "gap.h5")
    with pytest.raises(OutOfRangeError, match="steps evenly"):
        export(tmp_path / "gap.h5", "qd-files", tmp_path / "y")


def test_loss_table(standing, moving, tmp_path):
    report = export(standing, "ns3-loss", tmp_path / "loss.csv")
    assert report["rows"] == 10
    found = readers.loss_csv(tmp_path / "loss.csv")
    with open_dataset(standing) as dataset:
        for name, gain in (("mean", path_gain), ("coherent", path_gain_coherent)):
            file = tmp_path / f"{name}.csv"
            export(standing, "ns3-loss", file, gain=name)
            found = readers.loss_csv(file)
            with np.errstate(divide="ignore"):
                wanted = -10 * np.log10(gain(dataset.paths()))
            for (_, tx, rx), loss in found.items():
                assert loss == pytest.approx(wanted[2 * (rx - 2) + tx], abs=1e-6)
    export(moving, "ns3-loss", tmp_path / "walk.csv")
    walk = readers.loss_csv(tmp_path / "walk.csv")
    assert {rx for _, _, rx in walk} == {2}
    assert sorted({time for time, _, _ in walk}) == pytest.approx([0, 0.7, 1.4, 2.1])


def test_a_link_without_a_path_loses_everything(two_boxes, tmp_path):
    hidden = two_boxes(
        object=[
            {
                "name": "ground",
                "material": "metal",
                "shape": "plane",
                "center_m": [0, 0, 0],
                "size_m": [50, 50],
            }
        ],
        transmitter=[{"name": "mast", "position_m": [0, 0, 12]}],
        receivers={"kind": "list", "keep_invalid": True, "positions_m": [[5, 5, -3], [5, 5, 2]]},
    )
    generate(hidden, tmp_path / "h.h5")
    export(tmp_path / "h.h5", "ns3-loss", tmp_path / "l.csv")
    losses = list(readers.loss_csv(tmp_path / "l.csv").values())
    assert losses[0] == np.inf
    assert losses[1] < 100
    export(tmp_path / "h.h5", "qd-files", tmp_path / "q", steps=2)
    assert (tmp_path / "q/Output/Ns3/QdFiles/Tx0Rx1.txt").read_text() == "0\n0\n"
    with pytest.raises(OutOfRangeError, match="receiver 0 has no path"):
        export(tmp_path / "h.h5", "ns3-fading", tmp_path / "f.fad", rx="0")
    with pytest.raises(OutOfRangeError, match="receiver 0 has no path"):
        export(tmp_path / "h.h5", "sionna-rk", tmp_path / "rk", rx="0")


@pytest.fixture(scope="module")
def fast(two_boxes, tmp_path_factory):
    """One receiver at 30 m/s, and a track of 1 ms steps."""
    folder = tmp_path_factory.mktemp("fast")
    (folder / "rx.csv").write_text("x_m,y_m,z_m,vx_m_s,vy_m_s,vz_m_s\n-30,10,1.5,0,30,0\n")
    from rtwin.scene import recipe_dict, recipe_from_dict

    data = recipe_dict(two_boxes())
    data["receivers"] = {"kind": "csv", "file": "rx.csv"}
    standing = generate(recipe_from_dict(data, "fast", folder), folder / "standing.h5")
    data["receivers"] = {
        "kind": "trajectory",
        "waypoints_m": [[-30, 10, 1.5], [-30, 10.6, 1.5]],
        "speed_m_s": 30,
        "interval_s": 0.001,
    }
    return standing, generate(recipe_from_dict(data, "walk", folder), folder / "walk.h5")


def test_fading_trace(fast, tmp_path):
    standing, _ = fast
    export(standing, "ns3-fading", tmp_path / "f.fad", tx="0", samples=50, resource_blocks=10)
    found = readers.fading(tmp_path / "f.fad", 10, 50)
    with open_dataset(standing) as dataset:
        paths = dataset.paths(0, 1)
    blocks = (np.arange(10) - 4.5) * 180e3
    h = cfr(paths, blocks, np.arange(50) * 1e-3)[0, 0, 0]
    np.testing.assert_allclose(found, 10 * np.log10(np.abs(h.T) ** 2 / path_gain(paths)), atol=1e-3)
    assert np.ptp(found[0]) > 3


def test_fading_along_a_track_goes_on_as_doppler_begins(fast, tmp_path):
    """Over centimetres, the track and the Doppler shifts of its start agree."""
    standing, walk = fast
    export(standing, "ns3-fading", tmp_path / "a.fad", tx="0", samples=21)
    export(walk, "ns3-fading", tmp_path / "b.fad", tx="0")
    a, b = (readers.fading(tmp_path / f"{n}.fad", 100, 21) for n in "ab")
    np.testing.assert_allclose(a[:, 0], b[:, 0], atol=1e-2)
    # Over 20 cm the wavefront's bend turns a phase by 0.05 rad; nulls are steep.
    near = (np.minimum(a, b) > -10) & (np.arange(21) < 8)
    assert np.abs(a - b)[near].max() < 0.5
    assert np.ptp(b[50, :8]) > 3


def test_fading_refusals(fast, standing, moving, tmp_path):
    with pytest.raises(OutOfRangeError, match="is of one link"):
        export(standing, "ns3-fading", tmp_path / "f.fad")
    with pytest.raises(OutOfRangeError, match=r"step by 0\.7 s"):
        export(moving, "ns3-fading", tmp_path / "f.fad", tx="0")
    with pytest.raises(OutOfRangeError, match="1 to 100 resource blocks"):
        export(standing, "ns3-fading", tmp_path / "f.fad", tx="0", rx="0", resource_blocks=101)
    report = export(standing, "ns3-fading", tmp_path / "f.fad", tx="0", rx="0", samples=5)
    assert "nothing moves" in report["note"]
