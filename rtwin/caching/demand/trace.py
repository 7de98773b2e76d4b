"""Requests of users for items, one after the other, and where every user is meanwhile."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Floats, Ints
from rtwin.errors import OutOfRangeError, ShapeError

NO_STATION = -1


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What can be asked for.

    Attributes:
        kind: Type of each item, such as its genre, [item].
        size_mb: Size of each item [MB], [item].
        shared_hash: Hash of the catalogue of another study that this one is; "" if it is none.
    """

    kind: Ints
    size_mb: Floats
    shared_hash: str = ""

    def __post_init__(self) -> None:
        if self.kind.shape != self.size_mb.shape or self.kind.ndim != 1 or not self.kind.size:
            raise ShapeError(
                f"kind has shape {self.kind.shape} and size_mb {self.size_mb.shape}; both must be "
                "[item], one item or more"
            )

    @property
    def num_items(self) -> int:
        """Number of items."""
        return len(self.kind)

    @property
    def num_kinds(self) -> int:
        """Number of types."""
        return int(self.kind.max()) + 1

    @cached_property
    def hash(self) -> str:
        """SHA-256 of types and sizes, or the shared one: studies with one have one catalogue."""
        if self.shared_hash:
            return self.shared_hash
        digest = hashlib.sha256(np.ascontiguousarray(self.kind, "<i8").tobytes())
        digest.update(np.ascontiguousarray(self.size_mb, "<f8").tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class RequestTrace:
    """Requests in their order.

    Attributes:
        catalogue: What is asked for.
        client: Who asks, [request].
        item: For what, row of the catalogue, [request].
        first: Station that the client hears best, [request].
        second: Another one in reach; NO_STATION where there is none, [request].
        place: Station that every client hears best at that time, [request, client].
        burst: Whether the request is part of a burst, [request].
        num_stations: Number of stations.
        source: How the requests came about, for provenance.
    Raises:
        ShapeError, OutOfRangeError: if the columns do not fit together.
    """

    catalogue: Catalogue
    client: Ints
    item: Ints
    first: Ints
    second: Ints
    place: NDArray[np.int16]
    burst: Bools
    num_stations: int
    source: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        num = len(self.client)
        for name in ("item", "first", "second", "burst"):
            if getattr(self, name).shape != (num,):
                raise ShapeError(f"{name} has shape {getattr(self, name).shape}; must be ({num},)")
        if self.place.ndim != 2 or len(self.place) != num:
            raise ShapeError(f"place has shape {self.place.shape}; it must be ({num}, client)")
        for name, values, low, high in (
            ("client", self.client, 0, self.num_clients),
            ("item", self.item, 0, self.catalogue.num_items),
            ("first", self.first, 0, self.num_stations),
            ("second", self.second, NO_STATION, self.num_stations),
            ("place", self.place, NO_STATION, self.num_stations),
        ):
            if values.size and not (values.min() >= low and values.max() < high):
                raise OutOfRangeError(
                    f"{name} holds {values.min()} to {values.max()}; it must be {low} to {high - 1}"
                )
        if (self.second == self.first).any():
            raise OutOfRangeError("second is the same station as first; it must be another one")

    def __len__(self) -> int:
        return len(self.client)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return self.place.shape[1]

    @property
    def share_with_two(self) -> float:
        """Share of the requests whose client reaches two stations."""
        return float((self.second >= 0).mean()) if len(self) else 0.0

    def part(self, start: int, stop: int) -> "RequestTrace":
        """The requests from `start` up to and without `stop`."""
        rows = slice(start, stop)
        return RequestTrace(
            self.catalogue,
            self.client[rows],
            self.item[rows],
            self.first[rows],
            self.second[rows],
            self.place[rows],
            self.burst[rows],
            self.num_stations,
            {**self.source, "rows": [start, stop]},
        )

    @cached_property
    def hash(self) -> str:
        """SHA-256 of everything but the source."""
        digest = hashlib.sha256(self.catalogue.hash.encode())
        for column in (self.client, self.item, self.first, self.second, self.burst):
            digest.update(np.ascontiguousarray(column, "<i8").tobytes())
        digest.update(np.ascontiguousarray(self.place, "<i2").tobytes())
        return digest.hexdigest()


def joined(*traces: RequestTrace) -> RequestTrace:
    """Traces of one catalogue and the same stations and clients, one after the other.

    Raises:
        ShapeError: if they are of different ones.
    """
    first = traces[0]
    for other in traces[1:]:
        same = (other.catalogue.hash, other.num_stations, other.num_clients)
        if same != (first.catalogue.hash, first.num_stations, first.num_clients):
            raise ShapeError("traces have different catalogues, stations or clients")
    names = ("client", "item", "first", "second", "place", "burst")
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(t, name) for t in traces]) for name in names
    }
    return RequestTrace(first.catalogue, **columns, num_stations=first.num_stations)
