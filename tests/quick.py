"""`pytest --quick`: a test that begins to trace, to learn or to run a program is passed over.

No test is marked: Python itself reports what is imported and started, and so none is forgotten.
Those of KEPT do it all the same, one of each kind; they do it in processes of their own, because
what this one has imported once would be reported no more.
"""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

COSTLY = {"drjit", "keras", "mitsuba", "ray", "sionna", "tensorflow", "torch"}
KEPT = (
    "tests/cli/test_commands.py::test_generate_reports",
    "tests/trace/engine/test_engine.py::test_lives_with_tensorflow[True]",
)


class Quick:
    """Skips the running test as soon as it begins something that takes long."""

    def __init__(self) -> None:
        self.watches = False
        self.reason = ""
        sys.addaudithook(self.hear)

    def hear(self, event: str, about: tuple[Any, ...]) -> None:
        """What Python does, as it begins to do it."""
        if not self.watches:
            return
        if event == "import" and about[0].partition(".")[0] in COSTLY:
            self.skip(f"--quick: imports {about[0]}")
        if event == "subprocess.Popen":
            self.skip(f"--quick: starts {about[0]}")

    def skip(self, reason: str) -> None:
        """Pass over the running test, and remember why."""
        self.reason = reason
        pytest.skip(reason)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """A test that caught the skip, as one of a command's traceback does, is passed over too."""
        self.reason = ""
        try:
            return (yield)
        except Exception:
            if self.reason:
                pytest.skip(self.reason)
            raise

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Watch a test and the fixtures that are made for it."""
        self.watches = item.nodeid not in KEPT
        try:
            return (yield)
        finally:
            self.watches = False
