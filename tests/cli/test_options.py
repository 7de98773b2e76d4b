"""Values with units, and help under both of its names."""

import pytest
from typer import BadParameter
from typer.main import get_command
from typer.testing import CliRunner

from rtwin.cli.app import app
from rtwin.cli.terminal.options import hertz, numbers, pair
from rtwin.errors import OutOfRangeError


@pytest.mark.parametrize(
    ("text", "value"),
    [("28GHz", 28e9), ("3.5 GHz", 3.5e9), ("3.5e9", 3.5e9), ("700MHz", 7e8), ("15kHz", 15e3)],
)
def test_frequencies_have_units(text, value):
    assert hertz(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["fast", "3 dB", "", "GHz"])
def test_other_units_are_named(text):
    with pytest.raises(BadParameter, match="Hz, kHz, MHz, GHz"):
        hertz(text)


@pytest.mark.parametrize(
    ("text", "meant"), [("28", "28GHz"), ("3.5", "3.5GHz"), ("700", "700MHz"), ("3500", "3500MHz")]
)
def test_a_frequency_without_its_unit_is_asked_for(text, meant):
    with pytest.raises(BadParameter, match=f"did you mean {meant}?"):
        hertz(text)


def test_pairs_and_numbers():
    assert pair("news", "a=b=c") == ("a", "b=c")
    assert numbers("weights", "a=1,b=.5") == {"a": 1.0, "b": 0.5}
    assert numbers("weights", "") == {}
    for text in ("a", "=1", "a=b"):
        with pytest.raises(OutOfRangeError):
            numbers("weights", text)


@pytest.mark.parametrize("words", [["-h"], ["generate", "-h"], ["scene", "build", "-h"]])
def test_help_is_short_and_long(words):
    run = CliRunner().invoke(app, words)
    assert run.exit_code == 0
    assert "Usage" in run.output


def every_command(group, name=""):
    for part, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from every_command(each, f"{name}{part} ")
        else:
            yield f"{name}{part}", each


def test_nothing_is_replaced_and_nothing_is_left_out_unasked():
    """Switches are off until they are given, but for four that say what is computed."""
    on = {
        (name, option.name)
        for name, command in every_command(get_command(app))
        for option in command.params
        if getattr(option, "is_flag", False) and option.default
    }
    assert on == {
        ("calibrate", "curve"),
        ("experiment caching", "control"),
        ("render", "key"),
        ("sample", "line_of_sight"),
    }
