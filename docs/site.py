"""What the site has besides the pages of this folder: the README, the changelog, the notebooks.

mkdocs calls these functions by their names; see mkdocs.yml.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent


def on_files(files: Files, config: Any) -> Files:
    """Add pages that stand elsewhere in the repository."""
    pages = {"index.md": ROOT / "README.md", "changelog.md": ROOT / "CHANGELOG.md"}
    for name, source in pages.items():
        files.append(File.generated(config, name, content=within(source.read_text("utf-8"))))
    for source in sorted((ROOT / "notebooks").glob("*.py")):
        text = as_page(source.read_text("utf-8"))
        files.append(File.generated(config, f"notebooks/{source.stem}.md", content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Turn links that leave the folder into links of the site."""
    return within(markdown)


def on_nav(nav: Any, config: Any, files: Files) -> Any:
    """Put the notebooks behind the first page."""
    from mkdocs.structure.nav import Section
    from mkdocs.structure.pages import Page

    found = [f for f in files.documentation_pages() if f.src_uri.startswith("notebooks/")]
    pages = [Page(None, file, config) for file in found]
    section = Section("Notebooks", list(pages))
    for page in pages:
        page.parent = section
    nav.items.insert(1, section)
    nav.pages.extend(pages)
    return nav


def within(text: str) -> str:
    """Links to files of the repository as links between pages; others become plain text."""
    text = text.replace("(docs/", "(").replace("(../CHANGELOG.md)", "(changelog.md)")
    text = text.replace("(CHANGELOG.md)", "(changelog.md)")
    text = re.sub(r"\(notebooks/(\w+)\.py\)", r"(notebooks/\1.md)", text)
    return re.sub(r"\[([^\]]+)\]\((?:\.\./)?(?:CONTRIBUTING|rtwin/)[^)]*\)", r"`\1`", text)


def as_page(source: str) -> str:
    """A notebook of `# %%` cells as Markdown: its words as text, its code as blocks."""
    parts = []
    for cell in re.split(r"^# %%", source, flags=re.MULTILINE)[1:]:
        head, _, body = cell.partition("\n")
        if "[markdown]" in head:
            parts.append(re.sub(r"^# ?", "", body, flags=re.MULTILINE).strip())
        elif body.strip():
            parts.append(f"```python\n{body.strip()}\n```")
    return "\n\n".join(parts) + "\n"
