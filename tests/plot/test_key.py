"""The key below a rendered picture."""

import numpy as np
from matplotlib.image import imread, imsave

from rtwin.files import with_png_mark
from rtwin.plot import add_key


def picture(folder, width=900, height=300):
    file = folder / "picture.png"
    pixels = np.random.default_rng(1).random((height, width, 3))
    imsave(file, pixels)
    file.write_bytes(with_png_mark(file.read_bytes()))
    return file, imread(file)[..., :3]


def test_the_picture_stays_as_it_is(tmp_path, map_file):
    file, before = picture(tmp_path)
    assert add_key(file, paths=True, radio_map=map_file) == file
    after = imread(file)[..., :3]
    assert after.shape[1] == 900
    assert 60 < after.shape[0] - 300 < 160
    assert np.abs(after[:300] - before).max() < 0.02
    band = after[300:]
    assert (band < 0.99).any()
    assert (band[-2:] > 0.99).all()


def test_without_paths_and_map(tmp_path):
    file, _ = picture(tmp_path)
    add_key(file)
    few = (imread(file)[300:, :, :3] < 0.9).any(axis=(0, 2)).sum()
    add_key(picture(tmp_path)[0], paths=True)
    assert (imread(file)[300:, :, :3] < 0.9).any(axis=(0, 2)).sum() > 2 * few
