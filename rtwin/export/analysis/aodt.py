"""Tables in the style of NVIDIA's Aerial Omniverse Digital Twin (AODT 1.5), as Parquet.

`cirs` holds complex baseband coefficients, b = a exp(-j 2 pi f tau), of every
pair of antenna elements and polarisations; `raypaths` what the paths touch, in
centimetres. Antenna patterns are in the coefficients, so `patterns` says
isotropic. Columns that a twin has nothing to say about are left out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints
from rtwin.channel import cir
from rtwin.channel.segments import row_offsets
from rtwin.dataset.schema import PORT_LABELS
from rtwin.errors import OutOfRangeError
from rtwin.export.record import Block, PathView, shared_times_s
from rtwin.export.registry import Report
from rtwin.extras import needs
from rtwin.progress import Progress
from rtwin.scene import MAX_THICKNESS_M, Antenna
from rtwin.units import wavelength_m

CENTIMETRES = 100.0
READER_MAX_PATHS = 25
"""Paths of a link that DeepMIMO's converter of these tables keeps (its consts.MAX_PATHS)."""
_PATHS_PER_BLOCK = 2**15
_WORDS = ["emission", "reflection", "diffuse", "transmission", "diffraction", "reception"]
_WORD_OF_CODE = np.zeros(9, np.int8)
_WORD_OF_CODE[[1, 2, 4, 8]] = (1, 2, 3, 4)


def write_aodt(
    view: PathView,
    target: Path,
    progress: Progress,
    *,
    subcarrier_spacing_hz: Annotated[float, "written into rus"] = 30e3,
    fft_size: Annotated[int, "written into rus"] = 4096,
) -> Report:
    """Write cirs, raypaths, rus, ues, panels, patterns, materials, scenario and time_info."""
    with needs("the aodt format needs pyarrow", "'rtwin[parquet]'"):
        import pyarrow as pa
        import pyarrow.parquet as pq
    if view.tx_port is not None or view.rx_port is not None:
        raise OutOfRangeError(
            "the aodt format holds all polarisations; leave tx_port and rx_port out"
        )
    _refuse_roll(view)
    times_s = shared_times_s(view, "AODT")
    types = _types(pa)
    num_rows = {"cirs": 0, "raypaths": 0}
    with (
        pq.ParquetWriter(target / "cirs.parquet", types["cirs"]) as cirs,
        pq.ParquetWriter(target / "raypaths.parquet", types["raypaths"]) as raypaths,
    ):
        for block in view.blocks(_PATHS_PER_BLOCK):
            for columns in _cirs(pa, view, block, len(times_s)):
                cirs.write_table(pa.Table.from_arrays(columns, schema=types["cirs"]))
                num_rows["cirs"] += len(columns[0])
            columns = _raypaths(pa, view, block, len(times_s))
            raypaths.write_table(pa.Table.from_arrays(columns, schema=types["raypaths"]))
            num_rows["raypaths"] += len(columns[0])
            progress("export", block.rx.stop, view.num_rx)
    for name, table in _small(view, times_s, subcarrier_spacing_hz, fft_size).items():
        pq.write_table(_typed(pa, table), target / f"{name}.parquet")
    report: Report = {f"{name} rows": count for name, count in num_rows.items()}
    most = int(view.num_paths.max(initial=0))
    if most > READER_MAX_PATHS:
        report["most paths"] = (
            f"{most} of a link; DeepMIMO's AODT converter keeps {READER_MAX_PATHS}, so take "
            f"strongest_paths {READER_MAX_PATHS} to say what that leaves out"
        )
    return report


def _typed(pa: Any, table: dict[str, Any]) -> Any:
    """Columns as the published schema has them: uint32 and float32, in lists as well."""

    def column(name: str, values: Any) -> Any:
        way, _, part = name.partition("_")
        if way in ("waypoint", "trajectory"):  # empty, so their values tell no type
            inner = {"ids": pa.uint32(), "points": pa.list_(pa.float32())}
            return pa.array(values, pa.list_(pa.list_(inner.get(part, pa.float32()))))
        found = pa.array(values)
        narrow = _narrow(pa, found.type)
        return found if narrow == found.type else found.cast(narrow)

    return pa.table({name: column(name, values) for name, values in table.items()})


def _narrow(pa: Any, kind: Any) -> Any:
    if pa.types.is_list(kind):
        return pa.list_(_narrow(pa, kind.value_type))
    if pa.types.is_floating(kind):
        return pa.float32()
    return pa.uint32() if pa.types.is_integer(kind) else kind


def _refuse_roll(view: PathView) -> None:
    """AODT's panels have an azimuth and a tilt, and no roll."""
    for end, turned in (
        ("tx", view.of_tx("tx_orientation_rad")),
        ("rx", view.of_rx("rx_orientation_rad")),
    ):
        rolled = np.flatnonzero(np.abs(turned[:, 2]) > 1e-9)
        if rolled.size:
            raise OutOfRangeError(
                f"{end} {rolled[0]} is rolled by {np.degrees(turned[rolled[0], 2]):g} degrees; "
                f"AODT's panels have azimuth and tilt alone; leave such out with {end} (--{end})"
            )


def _types(pa: Any) -> dict[str, Any]:
    element = pa.struct([("h", pa.uint32()), ("v", pa.uint32()), ("p", pa.uint32())])
    place = pa.struct([("1", pa.float32()), ("2", pa.float32()), ("3", pa.float32())])
    floats = pa.list_(pa.float32())
    ids = [("time_idx", pa.uint32()), ("ru_id", pa.uint32()), ("ue_id", pa.uint32())]
    return {
        "cirs": pa.schema(
            [
                *ids,
                ("ru_ant_el", element),
                ("ue_ant_el", element),
                ("cir_re", floats),
                ("cir_im", floats),
                ("cir_delay", floats),
            ]
        ),
        "raypaths": pa.schema(
            [
                *ids,
                ("interaction_types", pa.list_(pa.string())),
                ("points", pa.list_(place)),
                ("prim_ids", pa.list_(pa.uint32())),
                ("object_ids", pa.list_(pa.int32())),
            ]
        ),
    }


def _element(antenna: Antenna, port: int) -> dict[str, int]:
    """AODT's name of a port: polarisation outermost, elements down each column."""
    polarisation, element = divmod(port, antenna.num_rows * antenna.num_cols)
    return {"h": element // antenna.num_rows, "v": element % antenna.num_rows, "p": polarisation}


def _devices(
    view: PathView, block: Block, num_times: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Time, transmitter and device of each link of a block."""
    row = np.repeat(np.arange(block.rx.start, block.rx.stop), view.num_tx)
    tx = np.tile(np.arange(view.num_tx), block.rx.stop - block.rx.start)
    return row % num_times, tx, row // num_times


def _cirs(pa: Any, view: PathView, block: Block, num_times: int) -> Iterator[list[Any]]:
    """Columns of `cirs`, one table for each pair of ports."""
    paths = block.paths
    tx_array, rx_array = view.arrays(block)
    b = cir(paths, tx_array=tx_array, rx_array=rx_array)[..., 0].astype(np.complex64)
    recipe = view.dataset.recipe
    ids = [pa.array(column, pa.uint32()) for column in _devices(view, block, num_times)]
    struct = _types(pa)["cirs"].field("ru_ant_el").type
    delays = _lists(pa, paths.offsets, pa.array(paths.delay_s.astype(np.float32)))
    for i, j in np.ndindex(b.shape[1:]):
        names = [_element(recipe.tx_antenna(view.tx), j), _element(recipe.receivers.antenna, i)]
        yield [
            *ids,
            *(pa.repeat(pa.scalar(name, struct), paths.num_links) for name in names),
            _lists(pa, paths.offsets, pa.array(np.ascontiguousarray(b[:, i, j].real))),
            _lists(pa, paths.offsets, pa.array(np.ascontiguousarray(b[:, i, j].imag))),
            delays,
        ]


def _raypaths(pa: Any, view: PathView, block: Block, num_times: int) -> list[Any]:
    """Columns of `raypaths`, a row for each path."""
    paths = block.paths
    time, tx, ue = (column[paths.link_index] for column in _devices(view, block, num_times))
    touched = paths.interactions > 0
    count = touched.sum(axis=1)
    # A path is its transmitter, what it touches in order, and its receiver.
    corner = np.zeros((len(count), touched.shape[1] + 2, 3), np.float32)
    corner[:, 0] = view.of_tx("tx_position_m")[tx]
    corner[:, 1:-1] = view.of_paths("vertex_m", block)
    corner[:, -1] = view.of_rx("rx_position_m")[ue * num_times + time]
    word = np.full(corner.shape[:2], _WORDS.index("emission"), np.int8)
    word[:, 1:-1] = _WORD_OF_CODE[paths.interactions]
    word[:, -1] = _WORDS.index("reception")
    there = np.pad(touched, ((0, 0), (1, 1)), constant_values=True)
    xyz = corner[there] * np.float32(CENTIMETRES)
    places = pa.StructArray.from_arrays(
        [pa.array(np.ascontiguousarray(axis)) for axis in xyz.T], names=["1", "2", "3"]
    )
    words = pa.DictionaryArray.from_arrays(pa.array(word[there]), pa.array(_WORDS))
    ends, inner = row_offsets(count + 2), row_offsets(count)
    return [
        *(pa.array(column, pa.uint32()) for column in (time, tx, ue)),
        _lists(pa, ends, words.cast(pa.string())),
        _lists(pa, ends, places),
        _lists(pa, inner, pa.array(view.of_paths("triangle", block)[touched])),
        _lists(pa, inner, pa.array(view.of_paths("object", block)[touched])),
    ]


def _lists(pa: Any, offsets: Ints, values: Any) -> Any:
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def _small(
    view: PathView, times_s: Floats, subcarrier_spacing_hz: float, fft_size: int
) -> dict[str, dict[str, Any]]:
    """The tables that fit into memory."""
    recipe, read = view.dataset.recipe, view.dataset.read
    num_tx, num_times, num_ue = view.num_tx, len(times_s), len(view.tracks)
    tx_m, turned = view.of_tx("tx_position_m"), np.degrees(view.of_tx("tx_orientation_rad"))
    rx_m = view.of_rx("rx_position_m").reshape(num_ue, num_times, 3) * CENTIMETRES
    speed = np.linalg.norm(view.of_rx("rx_velocity_m_s"), axis=1).reshape(num_ue, num_times)
    rx_turned = np.degrees(view.of_rx("rx_orientation_rad")).reshape(num_ue, num_times, 3)
    nothing: list[list[float]] = [[] for _ in range(num_ue)]
    steps = np.arange(num_times)
    return {
        "rus": {
            "ID": list(range(num_tx)),
            "subcarrier_spacing": [subcarrier_spacing_hz] * num_tx,
            "fft_size": [fft_size] * num_tx,
            "radiated_power": view.of_tx("tx_power_dbm").tolist(),
            "height": tx_m[:, 2].tolist(),
            "mech_azimuth": (turned[:, 0] % 360.0).tolist(),
            "mech_tilt": turned[:, 1].tolist(),
            "panel": [[0]] * num_tx,
            "position": (tx_m * CENTIMETRES).tolist(),
            "du_id": [0] * num_tx,
            "du_manual_assign": [False] * num_tx,
        },
        "ues": {
            "ID": list(range(num_ue)),
            "is_manual": [True] * num_ue,
            "is_manual_mobility": [True] * num_ue,
            "is_indoor_mobility": [False] * num_ue,
            "radiated_power": [0.0] * num_ue,
            "height": (rx_m[:, 0, 2] / CENTIMETRES).tolist(),
            "mech_tilt": rx_turned[:, 0, 1].tolist(),
            "panel": [[1]] * num_ue,
            "bler_target": [0.1] * num_ue,
            "batch_indices": [[0]] * num_ue,
            **{
                f"{kind}_{name}": nothing
                for kind in ("waypoint", "trajectory")
                for name in ("ids", "points", "stops", "speeds")
            },
            # One batch holds all times.
            "route_positions": [[places] for places in rx_m.tolist()],
            "route_orientations": [[angles] for angles in rx_turned.tolist()],
            "route_speeds": [[values] for values in speed.tolist()],
            "route_times": [[times_s.tolist()]] * num_ue,
        },
        "panels": _panels(recipe.tx_antenna(view.tx), recipe.receivers.antenna, view.frequency_hz),
        "patterns": {"pattern_id": [0], "pattern_type": [0]},
        "materials": {
            "label": read("material_name").tolist(),
            # P.2040: permittivity a f^b, conductivity c f^d; here at one frequency.
            "itu_r_p2040_a": read("relative_permittivity"),
            "itu_r_p2040_b": np.zeros(len(read("thickness_m"))),
            "itu_r_p2040_c": read("conductivity_s_per_m"),
            "itu_r_p2040_d": np.zeros(len(read("thickness_m"))),
            "scattering_coeff": read("scattering_coefficient"),
            "scattering_xpd": read("xpd_coefficient"),
            "rms_roughness": np.zeros(len(read("thickness_m"))),
            "exponent_alpha_r": np.zeros(len(read("thickness_m"))),
            "exponent_alpha_i": np.zeros(len(read("thickness_m"))),
            "lambda_r": np.zeros(len(read("thickness_m"))),
            "thickness_m": np.minimum(read("thickness_m"), MAX_THICKNESS_M),
        },
        "scenario": {
            "num_scene_interactions_per_ray": [recipe.solver.max_depth],
            "num_emitted_rays_in_thousands": [recipe.solver.rays / 1000],
            "num_batches": [1],
            "slots_per_batch": [num_times],
            "symbols_per_slot": [1],
            "duration": [float(times_s[-1] - times_s[0])],
            "interval": [float(np.diff(times_s).mean()) if num_times > 1 else 0.0],
        },
        "time_info": {
            "time_idx": steps,
            "batch_idx": steps * 0,
            "slot_idx": steps,
            "symbol_idx": steps * 0,
        },
    }


def _panels(tx: Antenna, rx: Antenna, frequency_hz: float) -> dict[str, list[Any]]:
    """Panel 0 of the transmitters and panel 1 of the receivers; spacings in centimetres."""
    ends, wavelength_cm = (tx, rx), wavelength_m(frequency_hz) * CENTIMETRES
    labels = [PORT_LABELS[end.polarization] for end in ends]
    slant = {"V": 0.0, "H": np.pi / 2, "slant -45": -np.pi / 4, "slant +45": np.pi / 4}
    return {
        "panel_id": [0, 1],
        "panel_name": ["tx", "rx"],
        "antenna_names": [["isotropic"]] * 2,
        "antenna_pattern_indices": [[0]] * 2,
        "frequencies": [[frequency_hz]] * 2,
        "thetas": [[0.0]] * 2,
        "phis": [[0.0]] * 2,
        "reference_freq": [frequency_hz] * 2,
        "dual_polarized": [len(names) > 1 for names in labels],
        "num_loc_antenna_horz": [end.num_cols for end in ends],
        "num_loc_antenna_vert": [end.num_rows for end in ends],
        "antenna_spacing_horz": [end.horizontal_spacing * wavelength_cm for end in ends],
        "antenna_spacing_vert": [end.vertical_spacing * wavelength_cm for end in ends],
        "antenna_roll_angle_first_polz": [slant[names[0]] for names in labels],
        "antenna_roll_angle_second_polz": [slant[names[-1]] for names in labels],
    }
