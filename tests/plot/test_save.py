"""Pictures appear whole or not at all."""

import pytest

from rtwin.errors import StoreError
from rtwin.plot import save_figure
from rtwin.plot.style import new_figure

STARTS = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


def draw():
    drawn = new_figure(3, 2)
    drawn.add_subplot().plot([0, 1])
    return drawn


@pytest.fixture
def figure():
    return draw()


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg", "PNG"])
def test_format_by_suffix(figure, tmp_path, suffix):
    file = tmp_path / "new" / f"picture.{suffix}"
    assert save_figure(figure, file) == file
    first = file.read_bytes()
    assert first.startswith(STARTS[suffix.lower()])
    save_figure(draw(), file)
    assert file.read_bytes() == first
    assert [f.name for f in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("name", ["picture", "picture.jpg", "picture.h5"])
def test_other_suffix(figure, tmp_path, name):
    with pytest.raises(StoreError, match=r"ends in \.png, \.pdf or \.svg") as caught:
        save_figure(figure, tmp_path / name)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_broken_drawing_leaves_the_old_picture(figure, tmp_path, monkeypatch):
    file = save_figure(draw(), tmp_path / "picture.png")
    old = file.read_bytes()

    def half(place, **options):
        place.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure, "savefig", half)
    with pytest.raises(StoreError, match=r"picture\.png: No space left on device; choose another"):
        save_figure(figure, file)
    assert file.read_bytes() == old
    assert list(tmp_path.iterdir()) == [file]


def test_unwritable_places(figure, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another place"):
        save_figure(figure, tmp_path / "file" / "picture.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(StoreError, match="is a folder"):
        save_figure(figure, tmp_path / "folder.png")
