"""Pools of models: every version with when it was trained and what it costs."""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError
from rtwin.streaming.twins.store import Store


@dataclass(frozen=True)
class Model:
    """A version of a model.

    Attributes:
        name: What it predicts.
        version: From 1 on.
        trained_at_s: When [s].
        parameters: Plain data: numbers, texts, lists of them.
        flops: Of one prediction.
        num_bytes: Of the parameters.
        error: At the last check; NaN before one.
    """

    name: str
    version: int
    trained_at_s: float
    parameters: dict[str, Any] = field(default_factory=dict)
    flops: float = 0.0
    num_bytes: int = 0
    error: float = float("nan")

    def age_s(self, now_s: float) -> float:
        """Time since it was trained [s]."""
        return now_s - self.trained_at_s


class ModelPool:
    """The models of a twin, in the twin's database.

    Args:
        store: Of all twins.
        twin: Name of this one.
        keep: Versions of each model that are kept.
    Checked by tests/streaming/twins/test_twin.py.
    """

    def __init__(self, store: Store, twin: str, keep: int = 3) -> None:
        if keep < 1:
            raise OutOfRangeError(f"keep is {keep}; it must be 1 or more")
        self.store, self.twin, self.keep = store, twin, keep

    def add(
        self, name: str, trained_at_s: float, parameters: dict[str, Any], flops: float = 0.0
    ) -> Model:
        """A new version; the oldest beyond those kept go."""
        value = json.dumps(parameters, sort_keys=True, default=_plain)
        with self.store.together() as database:
            query = "select coalesce(max(version), 0) from model where twin = ? and name = ?"
            (last,) = database.execute(query, (self.twin, name)).fetchone()
            version = int(last) + 1
            database.execute(
                "insert into model values (?, ?, ?, ?, ?, ?, ?, ?)",
                (self.twin, name, version, trained_at_s, flops, len(value.encode()), None, value),
            )
            database.execute(
                "delete from model where twin = ? and name = ? and version <= ?",
                (self.twin, name, version - self.keep),
            )
        return Model(name, version, trained_at_s, json.loads(value), flops, len(value.encode()))

    def judge(self, name: str, error: float) -> None:
        """Note the error of the newest version."""
        newest = self.newest(name)
        if newest is None:
            raise OutOfRangeError(f"{self.twin} has no model {name!r}; add one first")
        with self.store.together() as database:
            database.execute(
                "update model set error = ? where twin = ? and name = ? and version = ?",
                (error, self.twin, name, newest.version),
            )

    def newest(self, name: str) -> Model | None:
        """The newest version of a model; None if there is none."""
        found = self._versions(name, 1)
        return found[0] if found else None

    def versions(self, name: str) -> list[Model]:
        """The versions that are kept, oldest first."""
        return self._versions(name, self.keep)[::-1]

    def _versions(self, name: str, count: int) -> list[Model]:
        rows = self.store.database.execute(
            "select version, trained_at_s, value, flops, bytes, error from model "
            "where twin = ? and name = ? order by version desc limit ?",
            (self.twin, name, count),
        )
        return [
            Model(name, v, at, json.loads(value), flops, size, np.nan if e is None else e)
            for v, at, value, flops, size, e in rows
        ]

    def names(self) -> tuple[str, ...]:
        """Names of the models."""
        query = "select distinct name from model where twin = ? order by name"
        return tuple(name for (name,) in self.store.database.execute(query, (self.twin,)))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a model's parameters are plain data, not {type(value).__name__}")


def flat(parameters: dict[str, Any]) -> Floats:
    """All numbers of parameters in the order of their names, [n]: what a transfer would send."""
    return np.concatenate(
        [np.atleast_1d(np.asarray(parameters[k], np.float64)).ravel() for k in sorted(parameters)]
        or [np.zeros(0)]
    )
