"""What the linter says: one line per kind of trouble, with the objects it concerns."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
SHOWN = 4


@dataclass(frozen=True)
class Finding:
    """One kind of trouble in a scene.

    error: it cannot be traced, or the result would be wrong.
    warning: worth a look; traced as it is.
    note: a fact about the scene.
    """

    check: str
    severity: Severity
    message: str  # what, and what to do
    objects: tuple[str, ...] = ()

    def __str__(self) -> str:
        names = ", ".join(self.objects[:SHOWN])
        more = len(self.objects) - SHOWN
        where = f": {names}{f' and {more} more' if more > 0 else ''}" if names else ""
        return f"{self.severity} [{self.check}] {self.message}{where}"

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data, every object named."""
        return asdict(self)


def about(
    check: str, severity: Severity, what: str, objects: Sequence[str], do: str = ""
) -> list[Finding]:
    """A finding on objects, none if there are no objects; `what` follows their number."""
    if not objects:
        return []
    advice = f"; {do}" if do else ""
    return [Finding(check, severity, f"{len(objects)} {what}{advice}", tuple(objects))]
