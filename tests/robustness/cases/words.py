"""What all cases are made of: their words, and the scenes and twins that they damage or use."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

Arguments = list[str]
Make = Callable[[random.Random, Path, Path], Arguments]
"""`make(rng, fixtures, folder) -> arguments`: inputs lie in folder/in, outputs go to folder/out."""

OUT = "out"


def put_scene(folder: Path, text: bytes) -> str:
    """A scene of that recipe among the inputs."""
    (folder / "in" / "yard").mkdir(exist_ok=True)
    (folder / "in" / "yard" / "scene.toml").write_bytes(text)
    return str(folder / "in" / "yard")


def put_twin(fixtures: Path, folder: Path) -> Path:
    """A copy of the whole twin among the inputs."""
    return Path(shutil.copytree(fixtures / "yard.twin", folder / "in" / "yard.twin"))
