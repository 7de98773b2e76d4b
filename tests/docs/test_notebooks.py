"""Every notebook runs from top to bottom in a fresh kernel, and stores no output."""

import asyncio
import re
import time

import nbformat
import pytest
from nbclient import NotebookClient

from .markdown import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
MAX_SECONDS = 120  # forty on two idle cores


def cells(text: str) -> list[nbformat.NotebookNode]:
    """Cells of a percent script."""
    made = []
    for kind, body in re.findall(
        r"^# %%( \[markdown\])?\n(.*?)(?=^# %%|\Z)", text, re.MULTILINE | re.DOTALL
    ):
        if kind:
            lines = [line.removeprefix("#").removeprefix(" ") for line in body.splitlines()]
            made.append(nbformat.v4.new_markdown_cell("\n".join(lines).strip()))
        else:
            made.append(nbformat.v4.new_code_cell(body.strip()))
    return made


def test_there_are_notebooks():
    assert NOTEBOOKS
    # Paired files with stored outputs would not be checked.
    assert not list((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("script", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_runs(script, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=cells(script.read_text(encoding="utf-8")))
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds.count("code") >= 3
    assert kinds[0] == "markdown"
    client = NotebookClient(
        notebook,
        timeout=MAX_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    start = time.perf_counter()
    asyncio.run(client.async_execute())
    assert time.perf_counter() - start < MAX_SECONDS
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 2
    assert not list(tmp_path.iterdir())
