"""Other tools, each in an environment of its own, which pip makes on first use."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PEERS = Path(os.environ.get("RTWIN_PEERS", ROOT / "build" / "peers"))


def python_of(name, requirements, options=()):
    """The Python of a tool's environment.

    Args:
        name: Of the environment.
        requirements: What pip installs into it.
        options: Of pip install.
    """
    folder = PEERS / name
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *options, *requirements], check=True)
        ready.touch()
    return python


def run_peer(python, script, *arguments, timeout=None, environment=None):
    """What a script prints, run by a tool's Python; it must not fail."""
    result = subprocess.run(
        [python, script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    return result.stdout
