"""Ctrl-C at any moment is one line and status 130."""

import os
import signal
import subprocess
import sys
import time

import pytest

from rtwin.cli import interruption

LINE = "interrupted; what was finished is kept, run the same command again to go on"


def program(body):
    """Run the program with a command replaced by `body`."""
    code = (
        "import os, signal, sys\nimport rtwin.dataset\n"
        "def stop(*arguments, progress, **options):\n"
        f"    {body}\n"
        "rtwin.dataset.generate_radio_map = stop\nfrom rtwin.cli import main\nmain()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, "radiomap", "courtyard", "-o", "x.h5", "--quiet"],
        capture_output=True,
        text=True,
    )


SENT = "os.kill(os.getpid(), signal.SIGINT)"


@pytest.mark.parametrize(
    "body",
    [
        SENT,
        # A callback of the ray tracer hands it on as another error.
        f"try:\n        {SENT}\n    except KeyboardInterrupt: raise RuntimeError('in a callback')",
        # A finalizer swallows it, and tells of it; the next step of progress stops.
        "class Loud:\n"
        f"        def __del__(self): {SENT}; sum(range(10**6))\n"
        "    Loud(); progress('map', 1, 2); print('went on')",
    ],
    ids=["plain", "another error", "lost"],
)
def test_interruption_is_one_line(body):
    run = program(body)
    assert run.returncode == interruption.STATUS
    assert run.stderr.strip() == LINE
    assert run.stdout == ""


def test_errors_of_other_kinds_stay_themselves():
    run = program("raise RuntimeError('a mistake in rtwin')")
    assert run.returncode == 1
    assert "RuntimeError: a mistake in rtwin" in run.stderr
    assert LINE not in run.stderr


def test_handler_is_given_back():
    before = signal.getsignal(signal.SIGINT), sys.unraisablehook
    with pytest.raises(SystemExit) as done, interruption.told_in_one_line():
        raise KeyboardInterrupt
    assert done.value.code == interruption.STATUS
    assert (signal.getsignal(signal.SIGINT), sys.unraisablehook) == before
    with interruption.told_in_one_line():
        interruption.check()  # nothing came since


@pytest.mark.slow
@pytest.mark.parametrize("command", ["radiomap", "generate"])
def test_at_many_moments(command, tmp_path):
    """From the first imports to the last row, of a run that is long enough."""
    code = "from rtwin.cli import main; main()"
    arguments = [command, "munich", "-o", str(tmp_path / "x.h5")]
    for number in range(40):
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(0.3 + 0.15 * number)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=300)
        if process.returncode == 0:
            assert os.path.getsize(tmp_path / "x.h5")
            break
        assert process.returncode == interruption.STATUS, errors
        assert "Traceback" not in errors, (number, errors)
        assert errors.strip().splitlines()[-1] == LINE
