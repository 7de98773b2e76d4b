"""Triangles of scenes with many objects, kept on disk: a city of 10,000 houses takes long to mesh.

They lie with the user's other caches (XDG_CACHE_HOME, else ~/.cache), under the hash of
everything that they follow from: the recipe's objects, what their mesh files hold, the
code and the libraries. So whoever edits a scene, or its files, gets it made anew.
"""

import contextlib
import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Singles
from rtwin.files import appearing
from rtwin.scene.library import resolve_file
from rtwin.scene.meshes import geometry
from rtwin.scene.objects import MeshFile
from rtwin.scene.recipe import Recipe

MANY_OBJECTS = 200  # fewer are made as quickly as they are read
MOST_FILES = 16  # scenes that are kept
_COLUMNS = ("vertices", "faces", "num_vertices", "num_faces")

MeshArrays = list[tuple[Singles, NDArray[np.int32]]]


def mesh_arrays(recipe: Recipe) -> MeshArrays:
    """Vertices [m], [vertex, 3], and faces [face, 3] of each of the recipe's objects.

    Those of `build_meshes`, to the bit.

    Raises:
        GeometryError: as build_meshes.
    Checked by tests/scene/meshes/test_cache.py.
    """
    if len(recipe.object) < MANY_OBJECTS:
        return _made(recipe)
    file = _folder() / f"{_key(recipe)}.npz"
    arrays = _read(file, len(recipe.object))
    if arrays is None:
        arrays = _made(recipe)
        with contextlib.suppress(OSError):  # it only saves time
            _write(file, arrays)
    return arrays


def _made(recipe: Recipe) -> MeshArrays:
    return [
        (np.asarray(m.mesh.vertices, np.float32), np.asarray(m.mesh.faces, np.int32))
        for m in geometry.build_meshes(recipe)
    ]


def _folder() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "rtwin" / "meshes"


def _key(recipe: Recipe) -> str:
    digest = hashlib.sha256(Path(geometry.__file__).read_bytes())
    for package in ("numpy", "shapely", "trimesh"):
        digest.update(f"{package} {version(package)}\0".encode())
    for item in recipe.object:
        digest.update(json.dumps(item.model_dump(mode="json"), sort_keys=True).encode())
        if isinstance(item, MeshFile):
            path = resolve_file(recipe.folder, item.file)
            if path.stat().st_size <= geometry.MAX_MESH_BYTES:
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _read(file: Path, num_objects: int) -> MeshArrays | None:
    """What a file holds; None if there is none, or one that is not whole."""
    try:
        with open(file, "rb") as stream, np.load(stream, allow_pickle=False) as stored:
            vertices, faces, num_vertices, num_faces = (stored[name] for name in _COLUMNS)
        os.utime(file)  # those not used for longest go first
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    fits = (
        (vertices.dtype, faces.dtype) == (np.float32, np.int32)
        and vertices.shape == (num_vertices.sum(), 3)
        and faces.shape == (num_faces.sum(), 3)
        and len(num_vertices) == len(num_faces) == num_objects
    )
    if not fits:
        return None
    places, triangles = (
        np.split(values, np.cumsum(count)[:-1])
        for values, count in ((vertices, num_vertices), (faces, num_faces))
    )
    return list(zip(places, triangles, strict=True))


def _write(file: Path, arrays: MeshArrays) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    vertices, faces = zip(*arrays, strict=True)
    with appearing(file) as temporary, open(temporary, "wb") as stream:
        np.savez(
            stream,
            vertices=np.concatenate(vertices),
            faces=np.concatenate(faces),
            num_vertices=np.array([len(v) for v in vertices]),
            num_faces=np.array([len(f) for f in faces]),
        )
    kept = sorted(file.parent.glob("*.npz"), key=lambda f: f.stat().st_mtime, reverse=True)
    for old in kept[MOST_FILES:]:
        old.unlink(missing_ok=True)
