"""Kernels compiled ahead: a second warm-up, in a process of its own, compiles nothing."""

import json
import os
import subprocess
import sys

from rtwin.trace.engine import GPU_VARIANT, start_engine

_RUN = """
import json, sys
from rtwin.trace.doctor import warm_up
steps = []
found = warm_up([("courtyard", 2)], steps.append)
print(json.dumps([found, steps]))
"""


def test_what_is_compiled_once_is_read_by_later_processes():
    if start_engine().variant == GPU_VARIANT:
        return  # the GPU's driver keeps kernels of its own
    for turn in range(2):
        run = subprocess.run(
            [sys.executable, "-c", _RUN], capture_output=True, text=True, env=os.environ, check=True
        )
        [scene], steps = json.loads(run.stdout.splitlines()[-1])
        assert steps == [1]
        assert (scene["scene"], scene["max_depth"]) == ("courtyard", 2)
        assert scene["seconds"] > 0
        assert scene["compiled"] + scene["read"] > 20
        assert turn == 0 or scene["compiled"] == 0
