"""The internals of Sionna RT that rtwin relies on, by name.

rtwin pins sionna-rt exactly. If these fail after an upgrade, read the classes
named here before touching the pin.
"""

import inspect
from importlib.metadata import version

import pytest

from rtwin.trace import start_engine


@pytest.fixture(scope="module", autouse=True)
def engine():
    return start_engine()


def parameters(function):
    return list(inspect.signature(function).parameters)


def test_pinned_version():
    assert version("sionna-rt") == "2.2.0"


def test_candidate_generator():
    from sionna.rt.path_solvers.sb_candidate_generator import SBCandidateGenerator

    assert parameters(SBCandidateGenerator._sample_radio_material) == [
        "self",
        "si",
        "ray_origin",
        "k_world",
        "sample1",
        "sample2",
        "sample2_diffraction",
        "loc_en_inter",
        "diffraction_enabled",
        "edge_diffraction_enabled",
        "active",
    ]
    assert parameters(SBCandidateGenerator._sample_diffraction_point) == [
        "self",
        "si",
        "loc_en_inter",
        "ray_origin",
        "ki_world",
        "sample2",
        "edge_diffraction",
        "active",
    ]
    assert hasattr(SBCandidateGenerator(), "_sampler")


def test_image_method():
    from sionna.rt.path_solvers.image_method import ImageMethod

    assert parameters(ImageMethod.__call__) == [
        "self",
        "scene",
        "paths",
        "diffraction",
        "diffraction_lit_region",
        "src_positions",
        "tgt_positions",
        "src_boxes",
    ]


def test_field_calculator():
    from sionna.rt.path_solvers.field_calculator import FieldCalculator

    assert parameters(FieldCalculator.__call__) == [
        "self",
        "wavelength",
        "paths",
        "samples_per_src",
        "diffraction",
        "src_positions",
        "tgt_positions",
        "src_orientations",
        "tgt_orientations",
        "src_antenna_patterns",
        "tgt_antenna_patterns",
    ]


def test_paths_buffer():
    from sionna.rt.path_solvers.paths_buffer import PathsBuffer

    buffer = PathsBuffer(4, 2, True)
    for name in (
        "_vertices_x",
        "_vertices_y",
        "_vertices_z",
        "_shapes",
        "_primitives",
        "_probs",
        "_interaction_types",
        "_valid",
        "_src_indices",
        "_tgt_indices",
        "_diffracting_wedges",
        "_paths_counter",
    ):
        assert hasattr(buffer, name), name


def test_wedge_record():
    import dataclasses

    from sionna.rt.utils import WedgeGeometry

    from rtwin.trace.chains.wedges import WEDGE_FIELDS

    assert tuple(f.name for f in dataclasses.fields(WedgeGeometry)) == WEDGE_FIELDS.names


def test_interaction_codes():
    from sionna.rt import InteractionType as Theirs

    from rtwin.channel import InteractionType as Ours

    for name in ("NONE", "SPECULAR", "DIFFUSE", "REFRACTION", "DIFFRACTION"):
        assert int(Ours[name]) == getattr(Theirs, name)


def test_antenna_patterns_exist():
    from typing import get_args

    from sionna.rt.antenna_pattern import antenna_pattern_registry, polarization_registry

    from rtwin.scene import Antenna
    from rtwin.scene.devices import PATTERNS

    assert len(PATTERNS) > 3
    assert all(antenna_pattern_registry.get(pattern) for pattern in PATTERNS)
    own = {"file"}  # what a file says, see rtwin/trace/engine/patterns.py
    known = {*get_args(Antenna.model_fields["polarization"].annotation)}
    assert own < known
    assert all(polarization_registry.get(polarization) for polarization in known - own)
