"""Antenna arrays applied to paths: a plane wave meets each element with a phase.

The elements of an array see the same paths, which holds as long as the array
is small against the distance to the nearest object (Sionna's synthetic array).
A spherical array keeps the paths and gives each element the phase of its own
distance to where the wave comes from: exact in line of sight and for mirrors,
whose images are points; near enough behind edges.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Complexes, Floats, Ints
from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.shown import Shown
from rtwin.units import rotation_matrix, unit_vector


@dataclass(frozen=True, eq=False, repr=False)
class AntennaArray(Shown):
    """Element positions of an array, and how each device is turned.

    Attributes:
        positions_m: Elements relative to the device, in its own frame with the
            boresight along +x [m], [element, 3], or [link, element, 3] where the links'
            arrays differ; NaN for elements that a smaller one does not have.
        orientation: Yaw, pitch and roll of the device [rad], [link, 3], or
            [1, 3] or [3] for one orientation on all links.
        spherical: Whether a wave meets the elements with the curvature that its path's
            length gives it, instead of as a plane.
    Raises:
        ShapeError: if an array has another shape (it is printed), or as many arrays as
            orientations are not there.
    """

    positions_m: Floats
    orientation: Floats = field(default_factory=lambda: np.zeros(3))
    spherical: bool = False

    def __post_init__(self) -> None:
        positions = np.asarray(self.positions_m, dtype=np.float64)
        orientation = np.atleast_2d(np.asarray(self.orientation, dtype=np.float64))
        for name, array in (("positions_m", positions), ("orientation", orientation)):
            most = 3 if name == "positions_m" else 2
            if not 2 <= array.ndim <= most or array.shape[-1] != 3 or 0 in array.shape:
                raise ShapeError(f"{name} has shape {array.shape}; it must be [n, 3] with n >= 1.")
        if positions.ndim == 3 and len(positions) != len(orientation):
            raise ShapeError(
                f"positions_m has shape {positions.shape}, orientation {orientation.shape}; "
                "they must be of equally many links."
            )
        object.__setattr__(self, "positions_m", positions)
        object.__setattr__(self, "orientation", orientation)

    def facts(self) -> dict[str, object]:
        """What it is, in a few words each."""
        width = (np.nanmax(self.positions_m, axis=-2) - np.nanmin(self.positions_m, axis=-2)).max()
        turned = len(self.orientation)
        return {
            "elements": self.num_elements,
            "width": f"{width:.3g} m",
            "turned": f"for {turned} links" if turned > 1 else "for all links alike",
        }

    @property
    def num_elements(self) -> int:
        """Number of elements; a dual-polarised element counts once."""
        return self.positions_m.shape[-2]

    def take(self, links: Ints) -> "AntennaArray":
        """The arrays of some links; of those that share one array, that one."""
        orientation = self.orientation
        turned = orientation if len(orientation) == 1 else orientation[links]
        if self.positions_m.ndim == 2 or len(links) == 0:
            return replace(self, orientation=turned)
        positions = self.positions_m[links]
        positions = positions[:, ~np.isnan(positions[..., 0]).all(axis=0)]
        if (positions == positions[:1]).all():
            positions = positions[0]
        return replace(self, positions_m=positions, orientation=turned)


def planar_array_positions_m(
    num_rows: int,
    num_cols: int,
    vertical_spacing: float,
    horizontal_spacing: float,
    wavelength_m: float,
) -> Floats:
    """Element positions of a planar array in the y-z plane of its device [m].

    Numbered down each column, columns from -y to +y: the order of Sionna's
    PlanarArray.

    Args:
        num_rows: Elements on top of each other.
        num_cols: Elements side by side.
        vertical_spacing: Distance between rows, in wavelengths.
        horizontal_spacing: Distance between columns, in wavelengths.
        wavelength_m: Wavelength [m].
    Returns:
        [num_rows * num_cols, 3], m, centred on the device.
    Raises:
        OutOfRangeError: if there is no row or no column.
    Source: Sionna RT 2.2.0, PlanarArray; checked by tests/channel/test_antenna_arrays.py.
    """
    if num_rows < 1 or num_cols < 1:
        raise OutOfRangeError(
            f"the array has {num_rows} x {num_cols} elements; it needs at least 1 x 1."
        )
    col, row = np.divmod(np.arange(num_rows * num_cols), num_rows)
    y = (col - (num_cols - 1) / 2) * horizontal_spacing
    z = ((num_rows - 1) / 2 - row) * vertical_spacing
    return np.stack([np.zeros_like(y), y, z], axis=-1) * wavelength_m


def steering(
    array: AntennaArray,
    azimuth: ArrayLike,
    zenith: ArrayLike,
    link_index: Ints,
    wavelength_m: float,
    distance_m: ArrayLike | None = None,
) -> Complexes:
    """Phase factors of the elements for waves along given directions.

    The factor is exp(j 2 pi / wavelength r.d), with r the unit vector from the
    device out into the world, at the transmitter as at the receiver, and d the
    element's position turned with its device.

    Args:
        array: The array of this end of the links.
        azimuth: Azimuth of each path at this end [rad], [path].
        zenith: Zenith of each path at this end [rad], [path].
        link_index: Link of each path, [path]; picks the orientation.
        wavelength_m: Wavelength [m].
        distance_m: Length of each path [m], [path]; for spherical arrays.
    Returns:
        [path, element], complex, magnitude 1; 0 for elements that a link does not have.
    Raises:
        IndexError: if a link has no orientation.
    Source: Sionna RT 2.2.0, synthetic arrays; checked by tests/channel/test_antenna_arrays.py.
    """
    rotation = rotation_matrix(array.orientation)
    of_path = rotation[0] if len(rotation) == 1 else rotation[link_index]
    # Turning the few directions back is cheaper than turning all elements.
    local = unit_vector(azimuth, zenith)[..., None, :] @ of_path
    positions = array.positions_m if array.positions_m.ndim == 2 else array.positions_m[link_index]
    ahead = np.squeeze(local @ np.swapaxes(positions, -1, -2), axis=-2)
    if array.spherical and distance_m is not None:
        # The wave comes from the transmitter's image, a path's length away.
        far = np.asarray(distance_m, np.float64)[:, None]
        off = np.square(positions).sum(axis=-1)
        to_element = np.sqrt(np.maximum(far**2 - 2 * far * ahead + off, 0.0))
        ahead = (2 * far * ahead - off) / np.maximum(to_element + far, 1e-30)
    return np.where(np.isnan(ahead), 0.0, np.exp(2j * np.pi / wavelength_m * ahead))
