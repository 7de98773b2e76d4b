"""Propagation paths of many links, ragged: the currency of rtwin.

A link is one transmitter and one receiver; a path is one way that the wave
takes between them. The paths of all links lie one after the other in flat
arrays, link by link, and `num_paths` says how many belong to each link. So a
link without a path costs nothing and no link is ever cut to fit a table.

Antenna elements are not in here: a path holds the response of one
polarisation port to another, and `rtwin.channel.arrays` steers it to arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import IntFlag
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Bools, Floats, Ints
from rtwin.channel.segments import rank_in_row, row_offsets, segment_reduce, segment_sum
from rtwin.errors import OutOfRangeError, ShapeError


class InteractionType(IntFlag):
    """What happens where a path touches the scene; the bits of Sionna RT."""

    NONE = 0
    SPECULAR = 1
    DIFFUSE = 2
    REFRACTION = 4
    DIFFRACTION = 8


PATH_DIRECTIONS = ("aod_azimuth", "aod_zenith", "aoa_azimuth", "aoa_zenith")
"""Angles of a path at both of its ends [rad]."""
PATH_GEOMETRY = ("delay_s", *PATH_DIRECTIONS, "doppler_hz", "interactions")
"""What a path has besides its coefficient, one row per path."""


@dataclass(frozen=True, eq=False)
class PathSet:
    """Paths of many links.

    The arrays are taken over as read-only views, not copied.

    Attributes:
        num_paths: Number of paths of each link, [link]; 0 where there is none.
        a: Path coefficients, linear, without the carrier phase, antenna
            patterns included, complex, [path, rx_pol, tx_pol].
        delay_s: Absolute delays [s], [path].
        aod_azimuth: Azimuth of departure [rad], [path].
        aod_zenith: Zenith of departure [rad], [path].
        aoa_azimuth: Azimuth of arrival [rad], [path]; it points back to where
            the wave came from.
        aoa_zenith: Zenith of arrival [rad], [path].
        doppler_hz: Doppler shifts [Hz], [path].
        interactions: `InteractionType` codes, uint8, [path, depth]; 0 fills up.
        frequency_hz: Carrier frequency [Hz].
    Raises:
        ShapeError: if the arrays do not fit together (both shapes are printed).
        OutOfRangeError: if a path holds a number that is not finite.
    """

    num_paths: Ints
    a: NDArray[np.complexfloating[Any, Any]]
    delay_s: Floats
    aod_azimuth: NDArray[np.floating[Any]]
    aod_zenith: NDArray[np.floating[Any]]
    aoa_azimuth: NDArray[np.floating[Any]]
    aoa_zenith: NDArray[np.floating[Any]]
    doppler_hz: NDArray[np.floating[Any]]
    interactions: NDArray[np.uint8]
    frequency_hz: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.frequency_hz) and self.frequency_hz > 0):
            raise OutOfRangeError(
                f"frequency_hz is {self.frequency_hz}, it must be finite and above 0; pass Hz."
            )
        # Single precision would lose the carrier phase of a delay.
        exact = {"num_paths": np.int64, "delay_s": np.float64, "interactions": np.uint8}
        for name in _ARRAYS:
            array = np.asarray(getattr(self, name))
            if name in exact:
                array = _cast_exactly(name, array, exact[name])
            view = array.view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)
        self._check()

    def _check(self) -> None:
        if self.num_paths.ndim != 1 or (self.num_paths < 0).any():
            raise ShapeError(
                f"num_paths has shape {self.num_paths.shape} and smallest value "
                f"{self.num_paths.min(initial=0)}; it must be [link] and not negative."
            )
        total = int(self.num_paths.sum())
        for name in _PATH_ARRAYS:
            array = getattr(self, name)
            wanted = {"a": "rx_pol, tx_pol", "interactions": "depth"}.get(name, "")
            num_axes = 1 + len(wanted.split()) if wanted else 1
            if array.ndim != num_axes or array.shape[0] != total:
                raise ShapeError(
                    f"{name} has shape {array.shape}, but num_paths of shape "
                    f"{self.num_paths.shape} adds up to {total} paths; "
                    f"it must be [{', '.join(filter(None, (str(total), wanted)))}]."
                )
            if not np.isfinite(array).all():
                raise OutOfRangeError(
                    f"{name} holds {np.count_nonzero(~np.isfinite(array))} numbers that are not "
                    "finite; leave such paths out of the set."
                )
        if 0 in self.a.shape[1:]:
            raise ShapeError(
                f"a has shape {self.a.shape}; each end needs at least one polarisation port."
            )

    def __repr__(self) -> str:
        return (
            f"PathSet({self.num_links} links, {self.a.shape[0]} paths, "
            f"{self.frequency_hz / 1e9:g} GHz)"
        )

    @property
    def num_links(self) -> int:
        """Number of links, those without a path included."""
        return self.num_paths.size

    @cached_property
    def offsets(self) -> Ints:
        """First path of each link, and the number of paths at the end, [link + 1]."""
        return row_offsets(self.num_paths)

    @cached_property
    def link_index(self) -> Ints:
        """Link that each path belongs to, [path]."""
        return np.repeat(np.arange(self.num_links), self.num_paths)

    @property
    def is_line_of_sight(self) -> Bools:
        """Whether a path touches nothing, [path]; one through a wall is not in line of sight."""
        return (self.interactions == InteractionType.NONE).all(axis=1)

    @property
    def power(self) -> Floats:
        """Power gain of each path, linear, [path].

        abs(a)^2 summed over the receive ports and averaged over the transmit
        ports, which share the transmit power.
        """
        magnitude = np.abs(self.a).astype(np.float64)
        return np.square(magnitude).sum(axis=1).mean(axis=1)

    @property
    def excess_delay_s(self) -> Floats:
        """Delay of each path after the first path of its link [s], [path]."""
        first = segment_reduce(np.minimum, self.delay_s, self.num_paths, np.nan)
        return self.delay_s - np.repeat(first, self.num_paths)

    @classmethod
    def joined(cls, sets: "Sequence[PathSet]") -> "PathSet":
        """The links of several sets, one after another.

        Raises:
            ShapeError: if there is no set, or polarisation ports or carriers differ.
        """
        alike = {(one.frequency_hz, one.a.shape[1:]) for one in sets}
        if len(alike) != 1:
            raise ShapeError(f"sets have carriers and ports {sorted(alike)}; they must be alike.")
        deepest = max(one.interactions.shape[1] for one in sets)
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(s, name) for s in sets]) for name in _FLAT
        }
        columns["interactions"] = np.concatenate(
            [np.pad(s.interactions, ((0, 0), (0, deepest - s.interactions.shape[1]))) for s in sets]
        )
        return replace(sets[0], **columns)

    def select(self, links: ArrayLike | slice) -> "PathSet":
        """The paths of some links, in the order asked for.

        Args:
            links: Link numbers, which may repeat, a boolean mask [link] or a slice.
        Returns:
            A PathSet with one link for each number; it may have no link at all.
        Raises:
            IndexError: if a link does not exist, or the mask has another length.
        Source: definition; checked by tests/channel/test_path_set.py.
        """
        if not isinstance(links, slice):
            links = np.asarray(links)
            # An empty list has no type of its own, and numpy makes it float.
            links = links if links.size or links.dtype == bool else links.astype(np.int64)
        chosen = np.atleast_1d(np.arange(self.num_links)[links])
        num_paths = self.num_paths[chosen]
        index = np.repeat(self.offsets[chosen], num_paths) + rank_in_row(num_paths)
        return self.take(index, num_paths)

    def strongest(self, k: int) -> "tuple[PathSet, Floats]":
        """The k strongest paths of each link, and what is lost by leaving the others out.

        Ties go to the shorter delay, then to the path that comes first. The
        paths that stay keep their order.

        Args:
            k: Number of paths to keep per link, 0 or more.
        Returns:
            The smaller PathSet, and the summed power gain of the paths left
            out, linear, [link]; 0 where none is.
        Raises:
            OutOfRangeError: if k is negative.
        Source: definition; checked by tests/channel/test_path_set.py.
        """
        rows, dropped = self.strongest_rows(k)
        return self.take(rows, np.minimum(self.num_paths, k)), dropped

    def strongest_rows(self, k: int) -> tuple[Ints, Floats]:
        """Like `strongest`, but which rows stay, ascending, [path], for data kept beside."""
        if k < 0:
            raise OutOfRangeError(
                f"k is {k}, it must be 0 or more; pass the number of paths to keep."
            )
        power = self.power
        # lexsort is stable and its last key counts first.
        by_strength = np.lexsort((self.delay_s, -power, self.link_index))
        keep = np.zeros(power.size, dtype=bool)
        keep[by_strength] = rank_in_row(self.num_paths) < k
        return np.flatnonzero(keep), segment_sum(np.where(keep, 0.0, power), self.num_paths)

    def take(self, index: Ints, num_paths: Ints) -> "PathSet":
        """Some paths, in the order asked for.

        Args:
            index: Path numbers, link by link, [path].
            num_paths: How many of them belong to each link of the new set, [link].
        """
        taken = {name: getattr(self, name)[index] for name in _PATH_ARRAYS}
        return replace(self, num_paths=num_paths, **taken)


_ARRAYS = tuple(field.name for field in fields(PathSet) if field.name != "frequency_hz")
_PATH_ARRAYS = tuple(name for name in _ARRAYS if name != "num_paths")
_FLAT = tuple(name for name in _ARRAYS if name != "interactions")


def _cast_exactly(name: str, array: NDArray[Any], dtype: type) -> NDArray[Any]:
    cast: NDArray[Any] = array.astype(dtype, copy=False)
    if np.issubdtype(dtype, np.integer) and not np.array_equal(cast, array):
        raise OutOfRangeError(
            f"{name} of type {array.dtype} does not fit into {np.dtype(dtype)}; "
            "pass whole numbers in its range."
        )
    return cast
