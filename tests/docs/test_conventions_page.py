"""The names of columns that docs/conventions.md lists are those that are known."""

import re

from rtwin.scene.columns.column_names import MEANINGS

from .markdown import ROOT, table_after


def test_names_of_columns():
    rows = table_after(ROOT / "docs" / "conventions.md", "Names of columns")
    found = {row[0].strip("`"): tuple(re.findall(r"`([^`]+)`", row[1])) for row in rows}
    assert found == MEANINGS
