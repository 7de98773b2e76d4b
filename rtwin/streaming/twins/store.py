"""Databases of twins: bounded, every value with its age, alive after a restart.

One SQLite file holds all twins of a study. A series keeps its newest rows; what it was given
once is there when the file is opened again.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError, ShapeError, StoreError

_VERSION = 1
_TABLES = """
create table if not exists about (name text primary key, value text not null);
create table if not exists series (
    twin text not null, name text not null, time_s real not null, size integer not null,
    value blob not null, id integer primary key autoincrement);
create index if not exists newest on series (twin, name, id);
create table if not exists model (
    twin text not null, name text not null, version integer not null, trained_at_s real not null,
    flops real not null, bytes integer not null, error real, value blob not null,
    primary key (twin, name, version));
"""


class Store:
    """The databases of many twins.

    Args:
        file: SQLite file; made if it is missing. None: in memory, gone at the end.
    Raises:
        StoreError: if the file is something else, newer, or cannot be opened.
    Checked by tests/streaming/twins/test_twin.py.
    """

    def __init__(self, file: str | Path | None = None) -> None:
        self.file = None if file is None else Path(file)
        with self._plain_errors():
            self.database = sqlite3.connect(str(self.file or ":memory:"))
            self.database.executescript(_TABLES)
            found = self.database.execute("select value from about where name = 'format'")
            version = found.fetchone()
            if version is None:
                values = ("format", f"rtwin-twins-{_VERSION}")
                self.database.execute("insert into about values (?, ?)", values)
                self.database.commit()
        if version is not None and version[0] != f"rtwin-twins-{_VERSION}":
            raise StoreError(f"{file}: holds {version[0]!r}, not rtwin-twins-{_VERSION}")
        self._heads: dict[tuple[str, str], tuple[int, float]] = {}
        self._nested = 0

    @contextmanager
    def together(self) -> Iterator[sqlite3.Connection]:
        """What is put within is in the file all at once, or not at all where something fails."""
        self._nested += 1
        try:
            with self._plain_errors():
                yield self.database
                if self._nested == 1:
                    self.database.commit()
        except BaseException:
            self.database.rollback()
            self._heads.clear()
            raise
        finally:
            self._nested -= 1

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.file}: is no database of twins ({error})") from None

    def put(self, twin: str, time_s: float, values: Mapping[str, ArrayLike], capacity: int) -> None:
        """Add a row to each series of a twin; the oldest rows beyond the capacity go.

        Raises:
            ShapeError: if a value is no vector of finite numbers or NaN.
            OutOfRangeError: if a series already has a later row.
        """
        rows = {}
        for name, value in values.items():
            vector = np.atleast_1d(np.asarray(value, np.float64))
            if vector.ndim != 1:
                raise ShapeError(f"{name} has shape {vector.shape}; it must be a vector")
            rows[name] = vector
        with self.together() as database:
            for name, vector in rows.items():
                held, last = self._head(twin, name)
                if held and last > time_s:
                    raise OutOfRangeError(
                        f"{name} of {twin} has a row of {last:g} s; {time_s:g} s is before; "
                        "report in order, or begin a new store"
                    )
                blob = vector.astype("<f8").tobytes()
                database.execute(
                    "insert into series (twin, name, time_s, size, value) values (?, ?, ?, ?, ?)",
                    (twin, name, time_s, len(vector), blob),
                )
                if held >= capacity:
                    database.execute(
                        "delete from series where twin = ? and name = ? and id <= ("
                        "select id from series where twin = ? and name = ? "
                        "order by id desc limit 1 offset ?)",
                        (twin, name, twin, name, capacity),
                    )
                self._heads[twin, name] = min(held + 1, capacity), time_s

    def _head(self, twin: str, name: str) -> tuple[int, float]:
        """Rows that a series holds and the time of its last, asked of the file once."""
        if (twin, name) not in self._heads:
            rows, _, last = self.span(twin, name)
            self._heads[twin, name] = rows, last
        return self._heads[twin, name]

    def _newest(self, twin: str, name: str, count: int) -> list[tuple[float, bytes]]:
        rows = self.database.execute(
            "select time_s, value from series where twin = ? and name = ? order by id desc limit ?",
            (twin, name, count),
        )
        return [(float(time_s), bytes(value)) for time_s, value in rows]

    def get(self, twin: str, name: str, count: int = 1) -> tuple[Floats, list[Floats]]:
        """The newest rows of a series, oldest first: times [s], [row], and a vector of each."""
        with self._plain_errors():
            rows = self._newest(twin, name, count)[::-1]
        times = np.array([time_s for time_s, _ in rows], np.float64)
        return times, [np.frombuffer(value, "<f8").copy() for _, value in rows]

    def count(self, twin: str, name: str) -> int:
        """Rows that a series holds."""
        query = "select count(*) from series where twin = ? and name = ?"
        with self._plain_errors():
            return int(self.database.execute(query, (twin, name)).fetchone()[0])

    def span(self, twin: str, name: str) -> tuple[int, float, float]:
        """Rows of a series, and the times of its first and last [s]; NaN where it has none."""
        query = "select count(*), min(time_s), max(time_s) from series where twin = ? and name = ?"
        with self._plain_errors():
            rows, first, last = self.database.execute(query, (twin, name)).fetchone()
        first, last = (float("nan") if t is None else float(t) for t in (first, last))
        return int(rows), first, last

    def series(self, twin: str) -> tuple[str, ...]:
        """Names of a twin's series."""
        query = "select distinct name from series where twin = ? order by name"
        with self._plain_errors():
            return tuple(name for (name,) in self.database.execute(query, (twin,)))

    def num_bytes(self, twin: str) -> int:
        """Bytes of all values that a twin holds."""
        query = "select coalesce(sum(length(value)), 0) from series where twin = ?"
        with self._plain_errors():
            return int(self.database.execute(query, (twin,)).fetchone()[0])

    def close(self) -> None:
        """Close the file; what was put is in it."""
        self.database.close()
