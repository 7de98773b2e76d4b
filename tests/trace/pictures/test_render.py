"""Pictures show what they should, and taking one leaves the tracer as it was."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError, ShapeError, StoreError
from rtwin.scene import Camera
from rtwin.trace import Tracer, load_world, place
from rtwin.trace.pictures.drawing import RX_COLOR, MapOverlay, PathLines, draw_map, draw_paths
from rtwin.trace.pictures.render import default_camera, render

from ...tables import plane

SMALL = {"resolution": (160, 100), "samples": 2}
SHARP = {"resolution": (960, 600), "samples": 1}
ABOVE = Camera(position_m=(0, 0, 200), look_at_m=(0, 0, 0))


@pytest.fixture(scope="module")
def world(two_boxes):
    return load_world(two_boxes())


def picture(file):
    from PIL import Image

    return np.asarray(Image.open(file).convert("RGB")).astype(int)


def test_picture_of_a_scene(world, tmp_path):
    pixels = picture(render(world, tmp_path / "a.png", **SMALL))
    assert pixels.shape == (100, 160, 3)
    assert pixels.std() > 10
    assert list(tmp_path.iterdir()) == [tmp_path / "a.png"]


def test_tracing_after_a_picture_gives_the_same_bits(world, tmp_path):
    receivers = place(world)
    before = Tracer(world).trace(receivers)
    render(world, tmp_path / "a.png", **SMALL)
    after = Tracer(world).trace(receivers)
    assert before.a.tobytes() == after.a.tobytes()


def test_paths_are_drawn_unless_something_hides_them(world, tmp_path):
    """A line over the boxes is seen from above, one under the ground is not."""

    def line(height):
        return PathLines([-60, 0, height], [60, 0, height], np.full((1, 1, 3), np.nan), [[0]])

    plain = picture(render(world, tmp_path / "p.png", camera=ABOVE, **SHARP))
    over = picture(render(world, tmp_path / "o.png", camera=ABOVE, paths=line(30.0), **SHARP))
    under = picture(render(world, tmp_path / "u.png", camera=ABOVE, paths=line(-30.0), **SHARP))
    changed_over = (np.abs(over - plain).max(axis=2) > 40).sum()
    changed_under = (np.abs(under - plain).max(axis=2) > 40).sum()
    assert changed_over > 300
    # The ground ends before the line does.
    assert changed_under < changed_over / 4


def test_receivers_are_drawn(world, tmp_path):
    plain = picture(render(world, tmp_path / "p.png", camera=ABOVE, **SHARP))
    seen = picture(
        render(world, tmp_path / "r.png", camera=ABOVE, receivers_m=[[0, 20, 40]], **SHARP)
    )
    changed = np.abs(seen - plain).max(axis=2) > 5
    assert 8 < changed.sum() < 400
    assert (seen[changed].max(axis=0) > 240).all(), RX_COLOR


def test_map_covers_the_cells_that_were_reached(world, tmp_path):
    values = np.array([[-80.0, -90.0], [-np.inf, np.nan]])
    centers = np.zeros((2, 2, 3))
    centers[..., 0], centers[..., 1], centers[..., 2] = [[-5, 5], [-5, 5]], [[-5, -5], [5, 5]], 30
    overlay = MapOverlay(values, centers, 10.0)
    assert len(draw_map(overlay).triangles) == 4
    plain = picture(render(world, tmp_path / "p.png", camera=ABOVE, **SMALL))
    seen = picture(render(world, tmp_path / "m.png", camera=ABOVE, radio_map=overlay, **SMALL))
    rows = np.flatnonzero((np.abs(seen - plain).max(axis=2) > 25).any(axis=1))
    # The reached cells lie to the south, in the lower half of the picture.
    assert len(rows) > 2
    assert rows.min() >= 45


def test_cut_opens_a_room(two_boxes, tmp_path):
    roof = plane(120, "wood", "roof", center_m=[0, 0, 10])
    recipe = two_boxes()
    objects = [item.model_dump() for item in recipe.object]
    world = load_world(two_boxes(object=[*objects, roof]))
    closed = picture(render(world, tmp_path / "c.png", camera=ABOVE, **SMALL))
    cut = ABOVE.model_copy(update={"clip_at_m": 9.0})
    opened = picture(render(world, tmp_path / "o.png", camera=cut, **SMALL))
    assert np.abs(opened - closed).max(axis=2).mean() > 5


def test_default_camera_sees_the_whole_scene(world):
    camera = default_camera(world)
    low, high = world.bounds_m
    assert camera.position_m[2] > high[2]
    np.testing.assert_allclose(camera.look_at_m, (low + high) / 2)


@pytest.mark.parametrize(
    ("options", "error", "line"),
    [
        ({"resolution": (0, 10)}, OutOfRangeError, "resolution is 0 x 10"),
        ({"resolution": (10**5, 10**5)}, OutOfRangeError, "pixels in all"),
        ({"samples": 0}, OutOfRangeError, "samples is 0"),
    ],
)
def test_impossible_pictures(world, tmp_path, options, error, line):
    with pytest.raises(error, match=line):
        render(world, tmp_path / "x.png", **options)


def test_places_that_cannot_be_written(world, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        render(world, tmp_path / "file" / "x.png", **SMALL)
    assert "\n" not in str(caught.value)
    with pytest.raises(StoreError, match=r"ends in \.png"):
        render(world, tmp_path / "x.jpg", **SMALL)


def test_arrays_that_do_not_fit():
    with pytest.raises(ShapeError, match="must be"):
        draw_paths(PathLines([0, 0, 0], [1, 0, 0], np.zeros((2, 3)), [[0]]), 0.1)
    with pytest.raises(ShapeError, match="must be"):
        draw_map(MapOverlay(np.zeros((2, 2)), np.zeros((3, 2, 3)), 1.0))
