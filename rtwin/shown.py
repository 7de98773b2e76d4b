"""How objects look when a person prints them: one line, or a small table in a notebook."""

from html import escape


class Shown:
    """Something that says what it is; classes give their `facts`."""

    def facts(self) -> dict[str, object]:
        """What it is, in a few words each."""
        raise NotImplementedError

    def __repr__(self) -> str:
        said = ", ".join(f"{name}: {value}" for name, value in self.facts().items())
        return f"{type(self).__name__}({said})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>"
            for name, value in self.facts().items()
        )
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"
