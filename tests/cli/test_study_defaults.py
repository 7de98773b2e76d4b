"""A study asks the same by its command as in Python: options have the defaults of the study."""

import importlib
import inspect
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rtwin.caching.study import CachingStudy
from rtwin.cli import studies
from rtwin.deployment import DeploymentStudy
from rtwin.deployment.tiles import TileStudy
from rtwin.deployment.worth import WorthStudy
from rtwin.errors import OutOfRangeError
from rtwin.experiments import SlicingExperiment
from rtwin.experiments.ahead import AheadStudy
from rtwin.federation.studies import (
    NetworksStudy,
    PoisoningStudy,
    PrivacyStudy,
    SitesStudy,
    TrafficStudy,
)
from rtwin.streaming.study import StreamingStudy
from rtwin.streaming.userdata import UserDataStudy
from rtwin.streaming.viewport import ViewportStudy

STUDIES = {
    "slicing": SlicingExperiment,
    "ahead": AheadStudy,
    "caching": CachingStudy,
    "traffic": TrafficStudy,
    "poisoning": PoisoningStudy,
    "privacy": PrivacyStudy,
    "sites": SitesStudy,
    "networks": NetworksStudy,
    "streaming": StreamingStudy,
    "viewport": ViewportStudy,
    "userdata": UserDataStudy,
    "deployment": DeploymentStudy,
    "quality": WorthStudy,
    "tiles": TileStudy,
}
# An option and its field, where a unit or a symbol stands in the field's name alone.
FIELDS = {
    "bandwidth": "bandwidth_hz",
    "clip": "norm",
    "duration": "duration_s",
    "epoch": "epoch_s",
    "horizons": "horizons_s",
    "moves": "moves_m",
    "noise": "sigmas",
    "ppo": "ppo_steps",
    "prices": "other_prices",
    "residual": "residual_db",
    "window": "windows_s",
    "within": "within_db",
}
# The command draws more of these than a first look in Python does.
OTHERWISE = {("slicing", "seeds"), ("traffic", "seeds")}
COMMANDS = {
    info.callback.__name__: info.callback
    for info in studies.app.registered_commands
    if info.callback.__name__ in STUDIES
}


def as_field(default, wanted):
    """An option's default as its field has it: texts with commas are numbers or names."""
    if isinstance(default, str) and isinstance(wanted, tuple):
        return tuple(type(wanted[0])(word) for word in default.split(","))
    return default


@pytest.mark.parametrize("name", STUDIES)
def test_options_have_the_defaults_of_the_study(name):
    wanted = {each.name: each.default for each in fields(STUDIES[name])}
    compared = 0
    for option, parameter in inspect.signature(COMMANDS[name]).parameters.items():
        field = FIELDS.get(option, option)
        known = wanted.get(field, MISSING)
        if MISSING in (known, parameter.default) or parameter.default in (None, parameter.empty):
            continue
        compared += 1
        if (name, option) not in OTHERWISE:
            assert as_field(parameter.default, known) == known, option
        else:
            assert parameter.default > known
    assert compared >= 2


@pytest.mark.parametrize(
    ("name", "module", "run"),
    [
        ("slicing", "rtwin.experiments", "run_slicing"),
        ("ahead", "rtwin.experiments.ahead", "run_ahead"),
    ],
)
def test_what_both_slicing_studies_take_reaches_the_study(name, module, run, monkeypatch, tmp_path):
    asked = []

    def refused(study, *_):
        asked.append(study)
        raise OutOfRangeError("seen")

    monkeypatch.setattr(importlib.import_module(module), run, refused)
    words = ["--stale-without", "a,b", "--ways", "w.geojson", "--points", "7", "--residual", "1"]
    words += ["--reference", "r.h5", "--map-rays", "9000", "--twin", "mine=m.h5", "--quiet"]
    words += ["--interference", "0.5"]
    done = CliRunner().invoke(studies.app, [name, "-o", str(tmp_path / "out"), *words])
    assert str(done.exception) == "seen"
    (study,) = asked
    assert (study.stale_without, study.ways) == (("a", "b"), Path("w.geojson"))
    assert (study.points, study.map_rays) == (7, 9000)
    assert (study.reference, study.twins) == (Path("r.h5"), {"mine": Path("m.h5")})
    assert (study.residual_db if name == "ahead" else study.world.residual_db) == 1.0
    assert (study.policies, study.services, study.interference_load) == ({}, {}, 0.5)
