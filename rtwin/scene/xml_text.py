"""Scene XML as data from a stranger: size, entities and paths are checked before use."""

import os
import stat
from pathlib import Path
from xml.etree import ElementTree

from rtwin.errors import GeometryError

MAX_SCENE_FILE_BYTES = 256 * 2**20


def checked_xml(file: Path) -> ElementTree.Element:
    """The root of a scene file that holds no entities and names no file outside its folder."""
    return ElementTree.fromstring(checked_xml_text(file))


def checked_xml_text(file: Path) -> str:
    """The file's text, once it is known to hold no entities and no foreign paths.

    A scene file is data from a stranger: entity expansion could fill the
    memory, `include` and absolute paths could read files beside it.

    Raises:
        GeometryError: if it is missing, too large, no XML, or reaches for other files.
    """
    try:
        if file.stat().st_size > MAX_SCENE_FILE_BYTES:
            raise GeometryError(
                f"{file}: {file.stat().st_size >> 20} MiB; scene files may have up to "
                f"{MAX_SCENE_FILE_BYTES >> 20} MiB (meshes belong in files of their own)"
            )
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise GeometryError(f"{file}: no such scene file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise GeometryError(f"{file}: cannot be read as text ({error})") from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise GeometryError(f"{file}: declares XML entities, which is not allowed; remove them")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # encodings as well
        raise GeometryError(f"{file}: not well-formed XML ({error})") from error
    if root.find(".//include") is not None:
        raise GeometryError(f"{file}: uses <include>, which scene files may not; paste its content")
    folder = file.parent.resolve()
    within: dict[str, bool] = {}
    for node in root.iter("string"):
        if node.get("name") == "filename" and not _is_plain(node.get("value", ""), folder, within):
            try:
                target = (folder / os.fspath(node.get("value", ""))).resolve()
                is_there = target.is_file()
            except (OSError, ValueError, RuntimeError):  # no name of a file, or a loop of links
                raise GeometryError(
                    f"{file}: refers to {node.get('value', '')[:60]!r}, which is no name of a file"
                ) from None
            if not target.is_relative_to(folder):
                raise GeometryError(
                    f"{file}: refers to {node.get('value')!r}, outside the scene's folder"
                )
            if not is_there:
                raise GeometryError(f"{file}: refers to {node.get('value')!r}, which is missing")
    return text


def _is_plain(name: str, folder: Path, within: dict[str, bool]) -> bool:
    """Whether a name is that of a file, and no link, in a folder that lies within `folder`.

    Args:
        within: What is known of folders by name; each is resolved once, as scenes of
            cities name thousands of files in one.
    """
    head, tail = os.path.split(name)
    try:
        if head not in within:
            within[head] = (folder / head).resolve().is_relative_to(folder)
        is_file = stat.S_ISREG(os.lstat(folder / name).st_mode)
    except (OSError, ValueError, RuntimeError):
        return False
    return within[head] and is_file and tail not in ("", ".", "..")
