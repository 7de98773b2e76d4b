"""The tables in the docs list exactly the recipe's keys and the files' variables."""

import importlib
import json

import h5py
import numpy as np
import pytest

from rtwin.dataset import schema
from rtwin.scene import ITU_TABLE, devices, georeference, objects, recipe
from rtwin.trace.chains import reach
from rtwin.trace.fields.coefficients import PATHS_PER_LAUNCH
from rtwin.trace.paths import connect

from .markdown import ROOT, prose, table_after
from .tables import key_rows, layout_rows

# The package's function of this name hides the module.
generate = importlib.import_module("rtwin.dataset.generation.generate")
RECIPES, DATASET, TRACES, TWINS = (
    ROOT / "docs" / f"{name}.md" for name in ("recipes", "dataset", "link_traces", "horizontal")
)
PAGE_OF = {
    schema.TRACE_LAYOUT: TRACES,
    schema.LOAD_VARIABLES: TRACES,
    schema.FADED_VARIABLES: TRACES,
    schema.TWIN_VARIABLES: TWINS,
}
# Heading, model, and the model whose keys stand in a table of their own.
TABLES = [
    ("Top level", recipe.Recipe, None),
    ("[georeference]", georeference.Georeference, None),
    ("[geometry]", objects.Geometry, None),
    ("[[object]]", objects._Object, None),
    ('shape = "extrude"', objects.Extrude, objects._Object),
    ('shape = "box"', objects.Box, objects._Object),
    ('shape = "plane"', objects.Plane, objects._Object),
    ('shape = "wall"', objects.Wall, objects._Object),
    ("openings", objects.Opening, None),
    ('shape = "mesh"', objects.MeshFile, objects._Object),
    ("[object_settings.NAME]", objects.ObjectSettings, None),
    ("[materials.NAME]", objects.MaterialSpec, None),
    ("[[transmitter]]", devices.Transmitter, None),
    ("antenna", devices.Antenna, None),
    ("[receivers]", devices._Receivers, None),
    ('kind = "random"', devices.RandomReceivers, devices._Receivers),
    ('kind = "grid"', devices.GridReceivers, devices._Receivers),
    ('kind = "list"', devices.ListReceivers, devices._Receivers),
    ('kind = "csv"', devices.CsvReceivers, devices._Receivers),
    ('kind = "ways"', devices.WayReceivers, devices._Receivers),
    ('kind = "trajectory"', devices.TrajectoryReceivers, devices._Receivers),
    ("[solver]", recipe.Solver, None),
    ("[radio_map]", recipe.RadioMap, None),
    ("[camera]", devices.Camera, None),
]
LAYOUTS = [
    ("Transmitters", schema.TX_VARIABLES),
    ("Receivers", schema.RX_VARIABLES),
    ("Links", schema.LINK_VARIABLES),
    ("Paths", schema.PATH_VARIABLES),
    ("Scene", schema.SCENE_VARIABLES),
    ("Radio map files", schema.MAP_LAYOUT),
    ("Maps from paths", schema.PATH_MAP_VARIABLES),
    ("Variables of a link trace", schema.TRACE_LAYOUT),
    ("Variables with a demand", schema.LOAD_VARIABLES),
    ("Variables of a link of paths", schema.FADED_VARIABLES),
    ("Variables of a snapshot", schema.TWIN_VARIABLES),
]


@pytest.mark.parametrize(("heading", "model", "base"), TABLES, ids=[t[0] for t in TABLES])
def test_recipe_keys(heading, model, base):
    inherited = set(base.model_fields) if base else set()
    wanted = [row for row in key_rows(model) if row[0].strip("`") not in inherited]
    rows = table_after(RECIPES, heading)
    assert [row[:4] for row in rows] == wanted
    undescribed = [row[0] for row in rows if not row[4] and row[0] not in ("`shape`", "`kind`")]
    assert not undescribed


def test_every_recipe_table_is_documented():
    documented = {model for _, model, _ in TABLES}
    known: set[type] = set()
    stack: list[type] = [recipe.Recipe]
    while stack:
        model = stack.pop()
        if model not in known:
            known.add(model)
            stack += [m for f in model.model_fields.values() for m in _models(f.annotation)]
    assert known <= documented


def _models(annotation):
    from typing import get_args

    if isinstance(annotation, type) and issubclass(annotation, recipe.Table):
        return [annotation]
    return [m for part in get_args(annotation) for m in _models(part)]


def test_materials_are_listed():
    text = " ".join(prose(RECIPES).split())
    assert f"ITU-R P.2040 table: {', '.join(ITU_TABLE)}." in text


@pytest.mark.parametrize(("heading", "layout"), LAYOUTS, ids=[t[0] for t in LAYOUTS])
def test_variables(heading, layout):
    assert table_after(PAGE_OF.get(layout, DATASET), heading) == layout_rows(layout)


FADED = {"demand_mbps": 1.0, "link": "paths"}


def test_every_layout_is_documented():
    listed = [variable for _, layout in LAYOUTS for variable in layout]
    known = {*schema.PATHS_LAYOUT, *schema.TWIN_LAYOUT, *schema.trace_layout(FADED)}
    assert known == set(listed)


def test_sweep_is_the_dataset_with_a_frequency():
    plain, sweep = (
        {v.name: v for v in layout} for layout in (schema.PATHS_LAYOUT, schema.SWEEP_LAYOUT)
    )
    assert set(sweep) - set(plain) == {"frequency_hz"}
    swept = [name for name in plain if sweep[name].dims != plain[name].dims]
    text = " ".join(prose(DATASET).split())
    *first, last = (f"`{name}`" for name in swept)
    assert f"of which {', '.join(first)} and {last} have a second dimension" in text


def test_bounds_of_memory():
    text = " ".join(prose(DATASET).split())
    assert f"`--shard-size`: {generate.SHARD_SIZE} if" in text
    assert f"({_short(generate.SCATTERED_RAYS_PER_SHARD)} rays times receivers)" in text
    assert (
        f"{_short(reach.PAIRS_PER_LAUNCH)} pairs of chain and receiver, "
        f"{_short(connect.WALKERS_PER_LAUNCH)} walkers, {_short(PATHS_PER_LAUNCH)} paths."
    ) in text


def _short(number: int) -> str:
    return f"{number:.0e}".replace("+0", "")


def test_attributes(outputs):
    rows = {row[0].strip("`"): row[1] for row in table_after(DATASET, "Attributes")}
    only = {"datasets": "courtyard-map.h5", "maps": "courtyard.h5"}
    for file in only.values():
        with h5py.File(outputs / file) as h5:
            wanted = {name for name, meaning in rows.items() if only.get(_kind(meaning)) != file}
            assert set(h5.attrs) == wanted
            for name, value in h5.attrs.items():
                if "JSON" in rows[name]:
                    json.loads(value)
            for name, data in h5.items():
                if not data.is_scale:
                    assert data.attrs["long_name"], name


def _kind(meaning: str) -> str:
    return next((kind for kind in ("datasets", "maps") if meaning.startswith(f"{kind}: ")), "")


def test_ports_and_coordinates(outputs):
    with h5py.File(outputs / "courtyard.h5") as h5:
        labelled = {n for n, d in h5.items() if d.is_scale and d.dtype.kind == "O"}
        assert labelled == {"tx", "xyz", "angle", "tx_pol", "rx_pol"}
        assert h5["num_paths"].attrs["sample_dimension"] == "path"
        assert np.array_equal(h5["link"][...], np.arange(40))
