"""Variables of path files: devices, links, paths, and the scene that they met."""

from collections.abc import Iterable
from dataclasses import replace

from rtwin.dataset.schema.variables import PORT_LABELS, Variable
from rtwin.scene import Recipe

TX_VARIABLES = (
    Variable("tx_name", ("tx",), "str", "", "name of the transmitter"),
    Variable("tx_position_m", ("tx", "xyz"), "<f8", "m", "position of the transmitter"),
    Variable("tx_orientation_rad", ("tx", "angle"), "<f8", "rad", "yaw, pitch, roll"),
    Variable("tx_velocity_m_s", ("tx", "xyz"), "<f8", "m s-1", "velocity of the transmitter"),
    Variable("tx_power_dbm", ("tx",), "<f8", "dBm", "transmit power"),
)

RX_VARIABLES = (
    Variable("rx_position_m", ("rx", "xyz"), "<f8", "m", "position of the receiver"),
    Variable("rx_orientation_rad", ("rx", "angle"), "<f8", "rad", "yaw, pitch, roll"),
    Variable("rx_velocity_m_s", ("rx", "xyz"), "<f8", "m s-1", "velocity of the receiver"),
    Variable("rx_candidate", ("rx",), "<i8", "", "row in the recipe's list, table, grid or draw"),
    Variable("rx_time_s", ("rx",), "<f8", "s", "time of the position; NaN where standing"),
)

LINK_VARIABLES = (
    Variable("link_tx", ("link",), "<i4", "", "transmitter of the link, row of tx"),
    Variable("link_rx", ("link",), "<i4", "", "receiver of the link, row of rx"),
    Variable("num_paths", ("link",), "<i4", "1", "number of paths of the link"),
    Variable(
        "dropped_path_gain",
        ("link",),
        "<f8",
        "1",
        "path gain of the paths left out on request (strongest_paths, min_gain_db), linear",
    ),
)


def _path(name: str, dtype: str, units: str, long_name: str, *dims: str) -> Variable:
    return Variable(name, ("path", *dims), dtype, units, long_name)


PATH_VARIABLES = (
    _path(
        "a",
        "<c8",
        "1",
        "path coefficient without the carrier phase, antenna patterns included, arrays not; "
        "baseband = a * exp(-j 2 pi frequency_hz delay_s)",
        "rx_pol",
        "tx_pol",
    ),
    _path("delay_s", "<f8", "s", "absolute propagation delay"),
    _path("aod_azimuth", "<f4", "rad", "azimuth of departure, from +x towards +y"),
    _path("aod_zenith", "<f4", "rad", "zenith of departure, from +z"),
    _path("aoa_azimuth", "<f4", "rad", "azimuth of arrival, back to where the wave came from"),
    _path("aoa_zenith", "<f4", "rad", "zenith of arrival, back to where the wave came from"),
    _path("doppler_hz", "<f4", "Hz", "Doppler shift by moving ends and objects"),
    _path(
        "interactions",
        "|u1",
        "",
        "what happens at each depth, counted from the transmitter: "
        "0 nothing, 1 specular reflection, 2 diffuse reflection, 4 refraction, 8 diffraction",
        "depth",
    ),
    _path("triangle", "<u4", "", "triangle met at each depth; 4294967295 where none", "depth"),
    _path(
        "edge",
        "|u1",
        "",
        "edge of the diffracting triangle: 0, 1, 2 from that corner to the next, "
        "3 more seen from the back of a free edge; 255 where none",
    ),
    _path("object", "<i4", "", "row of object_name met at each depth; -1 where none", "depth"),
    _path("material", "<i2", "", "row of material_name met at each depth; -1 where none", "depth"),
    _path("vertex_m", "<f4", "m", "place of each interaction; NaN where none", "depth", "xyz"),
    _path("vegetation_loss_db", "<f4", "dB", "loss in vegetation on the way, which a contains"),
)

SCENE_VARIABLES = (
    Variable("object_name", ("object_id",), "str", "", "name of the object"),
    Variable("material_name", ("material_id",), "str", "", "name of the material"),
    Variable("relative_permittivity", ("material_id",), "<f8", "1", "real relative permittivity"),
    Variable("conductivity_s_per_m", ("material_id",), "<f8", "S m-1", "conductivity"),
    Variable(
        "thickness_m",
        ("material_id",),
        "<f8",
        "m",
        "thickness of the slab; inf for a half-space, which lets nothing through",
    ),
    Variable("scattering_coefficient", ("material_id",), "<f8", "1", "scattering coefficient"),
    Variable("xpd_coefficient", ("material_id",), "<f8", "1", "cross-polarisation coefficient"),
)

PATHS_LAYOUT = (*TX_VARIABLES, *RX_VARIABLES, *LINK_VARIABLES, *PATH_VARIABLES, *SCENE_VARIABLES)

SWEPT = ("a", "doppler_hz", "vegetation_loss_db", "relative_permittivity", "conductivity_s_per_m")


def _swept(variable: Variable) -> Variable:
    if variable.name not in SWEPT:
        return variable
    first, *others = variable.dims
    return replace(variable, dims=(first, "frequency", *others))


# The same paths at several frequencies: what depends on frequency has it as second dimension.
SWEEP_LAYOUT = (
    Variable("frequency_hz", ("frequency",), "<f8", "Hz", "carrier frequency"),
    *(_swept(variable) for variable in PATHS_LAYOUT),
)


def tx_port_labels(recipe: Recipe, tx: Iterable[int] | None = None) -> tuple[str, ...]:
    """Names of the transmit ports; numbers where transmitters differ in polarisation.

    Args:
        tx: Rows of the transmitters; None for all.
    """
    chosen = range(len(recipe.transmitter)) if tx is None else tx
    labels = {PORT_LABELS[recipe.transmitter[n].antenna.polarization] for n in chosen}
    if len(labels) == 1:
        return labels.pop()
    return tuple(f"port {n}" for n in range(recipe.transmitter[0].antenna.num_ports))
