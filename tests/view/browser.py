"""A real browser, driven over its own protocol through two pipes: no driver, no network.

Chrome DevTools Protocol with --remote-debugging-pipe: JSON messages that end in a zero byte,
read from file descriptor 3 and written to 4.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-pipe",
    "--hide-scrollbars",
    # WebGL without a graphics card.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


def find_browser() -> str | None:
    """The browser to test with: RTWIN_BROWSER, or what is installed."""
    return os.environ.get("RTWIN_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page in a browser; use it in a `with` block."""

    def __init__(self, width: int = 1440, height: int = 860) -> None:
        self.size = (width, height)
        self.problems: list[str] = []
        self.requests: list[str] = []
        self._number = 0
        self._session = ""

    def __enter__(self) -> "Browser":
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        read_here, write_there = os.pipe()
        read_there, write_here = os.pipe()
        command = 'r=$1; w=$2; shift 2; exec "$@" 3<&"$r" 4>&"$w"'
        program = [str(find_browser()), *FLAGS, f"--user-data-dir={self._folder.name}"]
        self._process = subprocess.Popen(
            ["bash", "-c", command, "bash", str(read_there), str(write_there), *program],
            pass_fds=(read_there, write_there),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_there)
        os.close(write_there)
        self._read, self._write = os.fdopen(read_here, "rb"), os.fdopen(write_here, "wb")
        self._rest = b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        width, height = self.size
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        self._read.close()
        self._write.close()
        self._folder.cleanup()

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The browser's answer to a command; what it says in between is kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._write.write(json.dumps(message).encode() + b"\0")
        self._write.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = self._read.read1(2**20)
            assert data, "the browser has gone"
            self._rest += data
        text, _, self._rest = self._rest.partition(b"\0")
        return json.loads(text)

    def _note(self, event: dict[str, Any]) -> None:
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", details).get("description", ""))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.problems.append(" ".join(str(a.get("value", a)) for a in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            # The driver of this software renderer tells how slow it is to read pixels.
            if "GPU stall due to ReadPixels" not in params["entry"]["text"]:
                self.problems.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def run(self, script: str) -> Any:
        """The value of an expression in the page; promises are waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def open(self, file: os.PathLike[str]) -> None:
        """Open a page of rtwin and wait until it is drawn, or says why it cannot be."""
        self.call("Page.navigate", url=f"file://{os.fspath(file)}")
        self.run("""new Promise((done) => {
            const look = () => {
                const message = document.getElementById("message");
                const isReading = !message || message.textContent.startsWith("Reading");
                return window.rtwinView || !isReading ? done() : setTimeout(look, 20);
            };
            look();
        })""")
        self.pause()

    def pause(self, milliseconds: int = 250) -> None:
        """Let the page draw."""
        self.run(f"new Promise((done) => setTimeout(done, {milliseconds}))")

    def move(self, x: float, y: float) -> None:
        """Bring the pointer to a place, and wait for what it shows."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.pause()

    def click(self, x: float, y: float) -> None:
        """Press and release at a place."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.pause()

    def press(self, key: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key)
        self.pause()

    def picture(self) -> bytes:
        """The page as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
