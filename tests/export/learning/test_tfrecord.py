"""TFRecord files: checks against RFC 3720, a parser of our own, and TensorFlow's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.channel import cir
from rtwin.dataset import open_dataset
from rtwin.export import export
from rtwin.export.learning.crc import crc32c, masked_crc32c
from rtwin.export.learning.tfrecord import FEATURES, _example

from .. import readers


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_crc32c_of_the_standard(data, crc):
    assert crc32c(data) == crc


@given(st.binary(max_size=3000))
def test_crc32c_bit_by_bit(data):
    assert masked_crc32c(data) == readers._masked(data)


@given(
    st.fixed_dictionaries(
        {
            name: st.lists(
                st.integers(0, 2**40) if kind == "int64" else st.floats(width=32), max_size=5
            )
            for name, kind, _ in FEATURES
        }
    )
)
def test_any_example_comes_back(values):
    arrays = {
        name: np.array(values[name], np.int64 if kind == "int64" else np.float32)
        for name, kind, _ in FEATURES
    }
    found = readers._example(_example(arrays))
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.fixture(scope="module")
def records(dual, tmp_path_factory):
    file = tmp_path_factory.mktemp("records") / "twin.tfrecord"
    assert export(dual, "tfrecord", file)["records"] == 24
    return file


def check(record, dataset):
    link = dataset.link(int(record["rx"][0]), int(record["tx"][0]))
    paths = dataset.paths(link, link + 1)
    rx_m = dataset.read("rx_position_m")[int(record["rx"][0])]
    np.testing.assert_allclose(record["rx_position_m"], rx_m, rtol=1e-6)
    assert record["ports"].tolist() == [1, 2]
    alive = paths.power > 0
    b = (record["b_real"] + 1j * record["b_imag"]).reshape(-1, 1, 2)
    np.testing.assert_allclose(b, cir(paths)[alive][..., 0], rtol=1e-4, atol=1e-12)
    np.testing.assert_allclose(record["delay_s"], paths.delay_s[alive], rtol=1e-6)
    np.testing.assert_allclose(record["aoa_azimuth"], paths.aoa_azimuth[alive], rtol=1e-6)
    np.testing.assert_allclose(record["path_gain"], paths.power[alive], rtol=1e-6)
    codes = record["interactions"].reshape(alive.sum(), -1) if alive.any() else np.zeros((0, 3))
    np.testing.assert_array_equal(codes, paths.interactions[alive])
    assert record["num_paths"][0] == alive.sum()


def test_records_come_back(records, dual):
    found = list(readers.tfrecords(records))
    assert len(found) == 24
    assert [list(record) for record in found] == [[name for name, _, _ in FEATURES]] * 24
    with open_dataset(dual) as dataset:
        for record in found:
            check(record, dataset)


def test_tf_data_reads_them(records, dual):
    tf = pytest.importorskip("tensorflow")
    kinds = {"int64": tf.int64, "float": tf.float32}
    features = {name: tf.io.RaggedFeature(kinds[kind]) for name, kind, _ in FEATURES}

    def parse(record):
        return tf.io.parse_single_example(record, features)

    data = tf.data.TFRecordDataset(str(records)).map(parse)
    with open_dataset(dual) as dataset:
        count = 0
        for record in data:
            check({name: value.numpy() for name, value in record.items()}, dataset)
            count += 1
    assert count == 24
