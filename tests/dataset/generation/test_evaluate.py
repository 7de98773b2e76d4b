"""Fields evaluated from stored geometry equal those of a fresh trace."""

import numpy as np
import pytest
import trimesh

from rtwin.dataset import evaluate, file_info, generate, open_dataset, validate_file
from rtwin.dataset.pictures import scene_mesh
from rtwin.errors import RecipeError, RtwinError, StoreError
from rtwin.scene import recipe_dict, recipe_from_dict

from ...tables import toml

# Without refraction the chains do not depend on the materials: the same paths are found.
EDGES = {"refraction": False, "diffraction": True, "edge_diffraction": True}
PATTERN = {"pattern": "tr38901"}


def tx(**more):
    return [{"name": "t", "position_m": [0, 0, 12], "azimuth_deg": 30, **more}]


@pytest.fixture(scope="module")
def stored(two_boxes, tmp_path_factory):
    recipe = two_boxes(transmitter=tx(velocity_m_s=[5, 0, 0]), solver=EDGES)
    return generate(recipe, tmp_path_factory.mktemp("stored") / "x.h5")


def same_fields(one, two, tolerance=0.0):
    with open_dataset(one) as a, open_dataset(two) as b:
        assert a.num_paths.tolist() == b.num_paths.tolist()
        np.testing.assert_array_equal(a.read("triangle"), b.read("triangle"))
        scale = np.abs(b.read("a")).max(axis=(1, 2), keepdims=True)
        assert (np.abs(a.read("a") - b.read("a")) <= tolerance * scale).all()
        np.testing.assert_allclose(a.read("doppler_hz"), b.read("doppler_hz"), rtol=1e-6)


def test_nothing_changed_gives_the_same_bits(stored, tmp_path):
    again = evaluate(stored, tmp_path / "same.h5")
    assert file_info(again)["content_hash"] == file_info(stored)["content_hash"]
    assert validate_file(again) == []


def test_shards_that_a_killed_run_left_go_when_it_is_repeated(stored, tmp_path):
    again = evaluate(stored, tmp_path / "same.h5")
    folder = tmp_path / "same.h5.parts"
    folder.mkdir()
    (folder / "shard-000000.h5").write_bytes(b"left over")
    evaluate(stored, again)
    assert [file.name for file in tmp_path.iterdir()] == ["same.h5"]


def test_other_frequency(two_boxes, stored, tmp_path):
    recipe = two_boxes(transmitter=tx(velocity_m_s=[5, 0, 0]), solver=EDGES, frequency_hz=28e9)
    fresh = generate(recipe, tmp_path / "fresh.h5")
    same_fields(evaluate(stored, tmp_path / "new.h5", frequency_hz=28e9), fresh)


def test_other_materials(two_boxes, stored, tmp_path):
    table = tmp_path / "m.toml"
    table.write_text(
        "[materials.concrete]\nrelative_permittivity = 7.0\nconductivity_s_per_m = 0.3\n"
        '[materials.brick]\nitu = "wood"\n'
    )
    materials = {
        "concrete": {"relative_permittivity": 7.0, "conductivity_s_per_m": 0.3},
        "brick": {"itu": "wood"},
    }
    recipe = two_boxes(transmitter=tx(velocity_m_s=[5, 0, 0]), solver=EDGES, materials=materials)
    fresh = generate(recipe, tmp_path / "fresh.h5")
    new = evaluate(stored, tmp_path / "new.h5", materials=table)
    same_fields(new, fresh)
    assert file_info(new)["scene_hash"] == file_info(fresh)["scene_hash"]


def test_other_antennas_and_tilt(two_boxes, stored, tmp_path):
    receivers = two_boxes().receivers.model_dump() | {"antenna": {"pattern": "dipole"}}
    recipe = two_boxes(
        transmitter=tx(velocity_m_s=[5, 0, 0], downtilt_deg=8, antenna=PATTERN),
        solver=EDGES,
        receivers=receivers,
    )
    fresh = generate(recipe, tmp_path / "fresh.h5")
    new = evaluate(
        stored, tmp_path / "new.h5", tx_pattern="tr38901", tx_downtilt_deg=8, rx_pattern="dipole"
    )
    same_fields(new, fresh)


def test_with_walls_the_paths_stay_and_their_fields_are_right(two_boxes, tmp_path):
    """With refraction other materials guide rays elsewhere; common paths agree to the bit."""
    old = generate(two_boxes(), tmp_path / "old.h5")
    new = evaluate(old, tmp_path / "new.h5", frequency_hz=10e9)
    fresh = generate(two_boxes(frequency_hz=10e9), tmp_path / "fresh.h5")
    with open_dataset(old) as a, open_dataset(new) as b, open_dataset(fresh) as c:
        np.testing.assert_array_equal(a.read("vertex_m"), b.read("vertex_m"))

        def table(dataset):
            link = dataset.paths().link_index
            keys = np.column_stack([link, dataset.read("triangle"), dataset.read("interactions")])
            return dict(zip(map(tuple, keys.tolist()), dataset.read("a"), strict=True))

        evaluated, traced = table(b), table(c)
        common = evaluated.keys() & traced.keys()
        assert len(common) > 0.9 * len(traced)
        assert all((evaluated[k] == traced[k]).all() for k in common)


@pytest.mark.parametrize(
    ("options", "error", "line"),
    [
        ({"frequency_hz": 60e9}, RtwinError, "GHz"),
        ({"tx_pattern": "horn"}, RecipeError, "pattern"),
        ({"materials": "absent.toml"}, RecipeError, "no such file"),
    ],
)
def test_impossible_settings(stored, tmp_path, options, error, line):
    with pytest.raises(error, match=line) as caught:
        evaluate(stored, tmp_path / "x.h5", **options)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_material_file_with_something_else(stored, tmp_path):
    table = tmp_path / "m.toml"
    table.write_text("frequency_hz = 1e9\n")
    with pytest.raises(RecipeError, match="nothing else"):
        evaluate(stored, tmp_path / "x.h5", materials=table)


def test_not_onto_itself(stored):
    with pytest.raises(StoreError, match="is what is read"):
        evaluate(stored, stored, frequency_hz=5e9, overwrite=True)


def test_scattered_paths_are_refused(two_boxes, tmp_path):
    recipe = two_boxes(
        materials={"concrete": {"scattering_coefficient": 0.5}},
        solver={"diffuse_reflection": True, "diffuse_rays": 1000},
    )
    file = generate(recipe, tmp_path / "s.h5")
    with pytest.raises(StoreError, match="scattered paths"):
        evaluate(file, tmp_path / "x.h5", frequency_hz=4e9)
    assert list(tmp_path.iterdir()) == [file]


def test_a_scene_with_files_may_be_named_from_its_own_folder(two_boxes, tmp_path, monkeypatch):
    folder = tmp_path / "scene"
    folder.mkdir()
    trimesh.creation.box((40, 40, 1)).export(folder / "slab.ply")
    slab = {"name": "slab", "material": "concrete", "shape": "mesh", "file": "slab.ply"}
    data = recipe_dict(two_boxes(object=[slab], geometry={"ground": ["slab"]}))
    file = generate(recipe_from_dict(data, "scene", folder), tmp_path / "paths.h5")
    moved = folder.rename(tmp_path / "moved")
    (moved / "scene.toml").write_text(toml(data))
    with pytest.raises(RecipeError, match="name the recipe with scene"):
        evaluate(file, tmp_path / "no.h5", frequencies_hz=[3e9])
    monkeypatch.chdir(moved)
    made = evaluate(file, tmp_path / "e.h5", frequencies_hz=[3e9], scene="scene.toml")
    assert validate_file(made) == []
    with open_dataset(file) as dataset:
        scene_mesh(dataset.recipe, dataset.attributes, "scene.toml")
