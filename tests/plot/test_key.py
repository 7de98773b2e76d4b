"""The key below a rendered picture."""

import io

import numpy as np
from matplotlib.image import imread, imsave

from rtwin.plot import add_key


def picture(width=900, height=300):
    made = io.BytesIO()
    imsave(made, np.random.default_rng(1).random((height, width, 3)))
    return made.getvalue()


def pixels(png):
    return imread(io.BytesIO(png))[..., :3]


def test_the_picture_stays_as_it_is(map_file):
    before = picture()
    after = pixels(add_key(before, paths=True, radio_map=map_file))
    assert after.shape[1] == 900
    assert 60 < after.shape[0] - 300 < 160
    assert np.abs(after[:300] - pixels(before)).max() < 0.02
    band = after[300:]
    assert (band < 0.99).any()
    assert (band[-2:] > 0.99).all()


def test_without_paths_and_map():
    few = (pixels(add_key(picture()))[300:] < 0.9).any(axis=(0, 2)).sum()
    many = (pixels(add_key(picture(), paths=True))[300:] < 0.9).any(axis=(0, 2)).sum()
    assert many > 2 * few
