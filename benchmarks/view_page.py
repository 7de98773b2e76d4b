"""What a page of `rtwin view` costs: its size, and how long a browser takes with it.

    python benchmarks/view_page.py [SCENE ...] [--receivers N ...]

Needs Chromium, or RTWIN_BROWSER. It draws on the processor, without a graphics
card, so that a person's machine is faster than these times.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rtwin.dataset import file_info, generate, generate_radio_map
from rtwin.scene import load_recipe
from rtwin.view import write_page

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.view.browser import Browser, find_browser

FRAMES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenes", nargs="*", default=["munich"])
    parser.add_argument("--receivers", type=int, nargs="+", default=[1000, 10000])
    asked = parser.parse_args()
    if find_browser() is None:
        sys.exit("no Chromium found; install it or set RTWIN_BROWSER")
    print(
        "| scene | receivers | paths | page MiB | write s | drawn after s | turn ms | click ms |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for scene in asked.scenes or ["munich"]:
            radio_map = generate_radio_map(load_recipe(scene), Path(folder, f"{scene}-map.h5"))
            for receivers in asked.receivers:
                paths = generate(
                    load_recipe(scene, num_receivers=receivers), Path(folder, f"{receivers}.h5")
                )
                print(row(scene, paths, radio_map, Path(folder, "page.html")), flush=True)
                paths.unlink()


def row(scene: str, paths: Path, radio_map: Path, page: Path) -> str:
    """One row of the table."""
    info, start = file_info(paths), time.perf_counter()
    summary = write_page([paths, radio_map], page)
    written = time.perf_counter() - start
    with Browser() as browser:
        start = time.perf_counter()
        browser.open(page)
        loaded = time.perf_counter() - start - 0.25  # the pause that open() ends with
        turn = browser.run(f"""(() => {{
            const {{ stage }} = rtwinView, pixel = new Uint8Array(4), start = performance.now();
            const gl = stage.renderer.getContext();
            for (let i = 0; i < {FRAMES}; i++) {{
                stage.turn(0.05);
                stage.render();
                gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);  // wait for it
            }}
            return (performance.now() - start) / {FRAMES};
        }})()""")
        click = browser.run("""(() => {
            const { stage, card, links, arrays } = rtwinView;
            let most = 0;
            for (let rx = 0; rx < arrays.rx_row.length; rx++) {
                const count = (rx) => links.paths(rx, links.best(rx)).length;
                if (rx % 50 === 0 && count(rx) > count(most)) most = rx;
            }
            const start = performance.now(), pixel = new Uint8Array(4);
            const gl = stage.renderer.getContext();
            card.open(most);
            stage.render();
            gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
            return performance.now() - start;
        })()""")
    return (
        f"| {scene} | {info['num_rx']} | {info['num_paths']} | {summary.num_bytes / 2**20:.1f} "
        f"| {written:.1f} | {loaded:.1f} | {turn:.0f} | {click:.0f} |"
    )


if __name__ == "__main__":
    main()
