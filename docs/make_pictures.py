"""Makes the pictures of docs/images: `python docs/make_pictures.py [FOLDER]`.

The commands below run in FOLDER (default: a temporary one), and what they drew is shrunk to what a
page needs. The page of `rtwin view` is photographed with a browser, see tests/view/browser.py.
"""

import importlib.util
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
WIDTH, LEVELS = 1000, 51  # levels of each colour: 5 of 255 apart, which no eye sees
RECEIVER = 432  # whose paths the picture of the viewer shows

COMMANDS = """\
rtwin generate munich -o munich.h5
rtwin radiomap munich -o munich-map.h5
rtwin plot munich-map.h5 -o map.png
rtwin render munich -o render.png --paths munich.h5 --map munich-map.h5 --height 640 --samples 32
rtwin view munich.h5 munich-map.h5 -o munich.html
rtwin calibrate street_canyon drive.csv --cells 101=tx_1,102=tx_2,103=tx_3 -o drive
rtwin radiomap street_canyon -o drive-map.h5 --calibration drive --discrepancy
rtwin plot drive-map.h5 -o calibrated-mean.png --metric path_gain
rtwin plot drive-map.h5 -o calibrated-error.png --metric error
rtwin scene build campus.osm -o campus
rtwin twin campus -o campus.twin --cell-size 10
rtwin update campus.twin --edit news.toml
rtwin plot campus.twin -o update.png
"""
NEWS = """\
[[edit]]
kind = "set_transmitter"
transmitter = "mast"
downtilt_deg = 8.0
"""


def main(folder: Path) -> None:
    """Run the commands, and put the pictures into docs/images."""
    IMAGES.mkdir(exist_ok=True)
    (folder / "news.toml").write_text(NEWS)
    for name in ("drive.csv", "campus.osm"):
        shutil.copy(ROOT / "docs" / name, folder)
    for line in COMMANDS.splitlines():
        words = shlex.split(line)
        made = words[words.index("-o") + 1] if "-o" in words else ""
        if not (made and (folder / made).exists()):
            print(line, flush=True)
            subprocess.run([sys.executable, "-m", *words], cwd=folder, check=True)
    photograph(folder / "munich.html", folder / "viewer.png")
    beside([folder / f"calibrated-{part}.png" for part in ("mean", "error")], "calibrated")
    for name in ("map", "render", "viewer", "update"):
        beside([folder / f"{name}.png"], name)


def beside(files: list[Path], name: str) -> None:
    """Pictures in a row, as one small file."""
    from PIL import Image

    parts: list[Any] = [Image.open(file).convert("RGB") for file in files if file.exists()]
    if len(parts) < len(files):
        return
    height = min(part.height for part in parts)
    parts = [part.resize((part.width * height // part.height, height)) for part in parts]
    row = Image.new("RGB", (sum(part.width for part in parts), height), "white")
    left = 0
    for part in parts:
        row.paste(part, (left, 0))
        left += part.width
    width = min(WIDTH, row.width)
    small = row.resize((width, row.height * width // row.width), Image.Resampling.LANCZOS)
    file = IMAGES / f"{name}.png"
    # A palette would give the few pixels of masts and paths the colour of something else.
    step = 255 // LEVELS
    small.point([step * round(value / step) for value in range(256)] * 3).save(file, optimize=True)
    print(file, file.stat().st_size // 1024, "KiB")


def photograph(page: Path, picture: Path) -> None:
    """A page of `rtwin view` in a browser, a receiver chosen; nothing where there is none."""
    place = ROOT / "tests" / "view" / "browser.py"
    spec = importlib.util.spec_from_file_location("browser", place)
    assert spec is not None
    assert spec.loader is not None
    browser = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(browser)
    if browser.find_browser() is None:
        print("no browser: the picture of the viewer stays as it is")
        return
    with browser.Browser() as opened:
        opened.open(page)
        opened.run(f"rtwinView.card.open({RECEIVER})")
        opened.pause(1500)
        picture.write_bytes(opened.picture())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
