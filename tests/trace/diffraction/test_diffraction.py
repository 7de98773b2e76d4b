"""The edge's coefficient against exact solutions, and against laws that need no theory."""

import numpy as np
import pytest
from scipy.special import hankel2, jv

from rtwin.channel import complex_permittivity, knife_edge_loss_db, knife_edge_nu
from rtwin.channel import slab_reflection_transmission as slab_of_angle
from rtwin.scene import material_properties
from rtwin.trace.diffraction.uniform_theory import Wedge, edge_matrix, world_jones
from rtwin.trace.engine.start import start_engine
from rtwin.units import SPEED_OF_LIGHT_M_S, to_db

MATERIALS = ("metal", "concrete", "brick", "glass")
COUNT = 400


class Case:
    """Random edges along z with their first face along x, and rays that meet them."""

    def __init__(self, seed, material, frequency_hz=3.5e9, n=None, sin_edge=None, count=COUNT):
        self.random = np.random.default_rng(seed)
        self.count, self.frequency_hz = count, frequency_hz
        self.k = 2 * np.pi * frequency_hz / SPEED_OF_LIGHT_M_S
        self.n = self.uniform(1.15, 1.95) if n is None else np.full(count, float(n))
        self.sin_edge = self.uniform(0.4, 1.0) if sin_edge is None else np.full(count, sin_edge)
        self.cos_edge = np.sqrt(1 - self.sin_edge**2) * np.sign(self.uniform(-1, 1))
        self.tx_m, self.rx_m = self.uniform(2, 60), self.uniform(2, 60)
        found = material_properties(material, None, frequency_hz)
        self.eta = complex_permittivity(
            found.relative_permittivity, found.conductivity_s_per_m, frequency_hz
        )
        self.thickness_m = found.thickness_m

    def uniform(self, low, high):
        return self.random.uniform(low, high, self.count)

    def slab(self, cosine):
        """Coefficients of the faces by the closed form in NumPy."""
        angle = np.arccos(np.clip(cosine, 1e-12, 1.0))
        return slab_of_angle(angle, self.eta, self.thickness_m, self.frequency_hz)

    def incoming(self, phi):
        return -self.outgoing(phi) * [1, 1, -1]

    def outgoing(self, phi):
        across = self.sin_edge
        return np.stack([across * np.cos(phi), across * np.sin(phi), self.cos_edge], axis=-1)

    def matrix(self, phi_in, phi_out, *, transmits=False, turned=False):
        """rtwin's matrices, [case, 2, 2]; `turned`: both rays the other way, ends exchanged."""
        engine = start_engine()
        mi, dr = engine.mi, engine.dr
        from sionna.rt.utils.electromagnetics import itu_coefficients_single_layer_slab

        def vector(rows):
            return mi.Vector3f(*(mi.Float(np.ascontiguousarray(c, np.float32)) for c in rows.T))

        def number(value):  # one that kernels read: they are compiled once for all cases
            return engine.opaque([value])

        def slab(cosine):
            eta = mi.Complex2f(number(self.eta.real), number(self.eta.imag))
            wavelength = number(2 * np.pi / self.k)
            thickness = number(self.thickness_m)
            return itu_coefficients_single_layer_slab(cosine, eta, thickness, wavelength)

        ki, ko = self.incoming(phi_in), self.outgoing(phi_out)
        tx_m, rx_m = self.tx_m, self.rx_m
        if turned:
            ki, ko, tx_m, rx_m = -ko, -ki, rx_m, tx_m
        wedge = Wedge(mi.Vector3f(0, 0, 1), mi.Vector3f(0, 1, 0), mi.Float(self.n))
        found = edge_matrix(
            wedge,
            vector(ki),
            vector(ko),
            number(self.k),
            mi.Float(tx_m),
            mi.Float(rx_m),
            (slab, slab),
            transmits=transmits,
        )
        dr.eval(found.ss, found.sh, found.hs, found.hh)
        parts = [
            np.broadcast_to(dr.real(p).numpy() + 1j * dr.imag(p).numpy(), self.count)
            for p in (found.ss, found.sh, found.hs, found.hh)
        ]
        return np.stack(parts, axis=-1).reshape(-1, 2, 2)

    def diffracted(self, phi_in, phi_out, **how):
        """The diffracted field over the one that comes straight as far."""
        s, t = self.rx_m, self.tx_m
        return self.matrix(phi_in, phi_out, **how) * np.sqrt((s + t) / (s * t))[:, None, None]

    def bases(self, k):
        """Soft and hard unit vectors of rays along k, [case, 2, 3]."""
        hard = np.cross([0.0, 0.0, 1.0], k)
        hard /= np.linalg.norm(hard, axis=-1, keepdims=True)
        return np.stack([np.cross(k, hard), hard], axis=1)

    def at_face(self, k, k_out, normal, te, tm):
        """Jones matrices of a face with unit normal, in the bases of the edge."""
        across = np.cross(k, normal)
        across /= np.linalg.norm(across, axis=-1, keepdims=True)
        before = np.stack([across, np.cross(k, across)], axis=1)
        after = np.stack([across, np.cross(k_out, across)], axis=1)
        diagonal = np.stack([te, tm], axis=-1)[:, :, None]
        into = before @ self.bases(k).transpose(0, 2, 1)
        back = self.bases(k_out) @ after.transpose(0, 2, 1)
        return back @ (diagonal * into)


def exact_wedge(k, n, rho_in, phi_in, rho_out, phi_out, hard):
    """Total field of a line source beside a conducting wedge, over the free-space scale.

    Balanis, Advanced Engineering Electromagnetics, section 13.3 (modal series).
    """
    low, high = min(rho_in, rho_out), max(rho_in, rho_out)
    order = np.arange(int(n * (k * low + 12 * (k * low) ** (1 / 3) + 30))) / n
    weight = np.where(order == 0, 1.0, 2.0) / n
    sign = 1.0 if hard else -1.0
    angular = np.cos(order * (phi_out - phi_in)) + sign * np.cos(order * (phi_out + phi_in))
    waves = jv(order, k * low) * hankel2(order, k * high)
    return np.nansum(weight * waves * angular)


@pytest.mark.parametrize("n", [2.0, 1.5, 1.25])
@pytest.mark.parametrize("hard", [False, True])
def test_conductors_against_the_modal_series(n, hard):
    """Half-plane and wedges: 0.1 dB away from the transition, 0.3 dB within."""
    case = Case(5, "metal", n=n, sin_edge=1.0, count=150)
    limit = n * np.pi
    phi_in = case.uniform(0.25, min(limit - np.pi - 0.05, np.pi / 2 - 0.1))
    phi_out = case.uniform(0.15, limit - 0.15)
    phi_out[::3] = np.pi + phi_in[::3] + case.uniform(-0.08, 0.08)[::3]  # in the transition
    phi_out[1::3] = np.pi - phi_in[1::3] + case.uniform(-0.08, 0.08)[1::3]
    part = case.matrix(phi_in, phi_out)[:, int(hard), int(hard)]
    within = away = 0
    for i in range(case.count):
        s, t, k = case.rx_m[i], case.tx_m[i], case.k
        edge = np.sqrt(2j / (np.pi * k * t)) * np.exp(-1j * k * t)
        total = edge * part[i] * np.exp(-1j * k * s) / np.sqrt(s)
        gaps = np.array([np.pi + phi_in[i] - phi_out[i], np.pi - phi_in[i] - phi_out[i]])
        for lit, angle, r in zip(
            gaps > 0,
            (phi_in[i] - phi_out[i], phi_in[i] + phi_out[i]),
            (1, hard * 2 - 1),
            strict=True,
        ):
            if lit:
                distance = np.sqrt(s**2 + t**2 - 2 * s * t * np.cos(angle))
                total += r * hankel2(0, k * distance)
        exact = exact_wedge(k, n, t, phi_in[i], s, phi_out[i], hard)
        scale = abs(hankel2(0, k * (s + t)))
        # Where waves cancel the decibels of what is left are no measure: counted against the
        # wave that the edge cuts off.
        error = 2 * to_db(1 + abs(abs(total) - abs(exact)) / max(abs(exact), 0.3 * scale))
        if np.abs(gaps).min() < 0.1:
            within += 1
            assert error < 0.3, (phi_in[i], phi_out[i], s, t)
        elif abs(exact) > 3e-3 * scale:
            away += 1
            relative = abs(to_db(abs(total) / abs(exact)) * 2) if gaps[0] < 0 else error
            assert relative < 0.1, (phi_in[i], phi_out[i], s, t, relative)
    assert within > 60
    assert away > 20


@pytest.mark.parametrize("material", MATERIALS)
@pytest.mark.parametrize("frequency_hz", [1e9, 28e9])
@pytest.mark.parametrize("sheet", [False, True])
def test_continuous_where_the_reflected_wave_vanishes(material, frequency_hz, sheet):
    case = Case(7, material, frequency_hz, n=2 if sheet else None)
    # Grazing angles below those of the coefficients' own sharp features are left out.
    phi_in = case.uniform(0.15, np.pi - 0.15)
    phi_in = np.where(np.pi - phi_in > case.n * np.pi - 0.05, np.pi / 2, phi_in)
    step = 2e-4 / np.sqrt(case.k / 73.0)
    before = case.diffracted(phi_in, np.pi - phi_in - step, transmits=True)
    behind = case.diffracted(phi_in, np.pi - phi_in + step, transmits=True)
    k = case.incoming(phi_in)
    normal = np.array([0.0, 1.0, 0.0])
    te, tm, *_ = case.slab(case.sin_edge * np.sin(phi_in))
    wave = case.at_face(k, k - 2 * (k @ normal)[:, None] * normal, normal, te, tm)
    jump = np.linalg.norm(before + wave - behind, ord=2, axis=(1, 2))
    # The step itself changes the incident wave's share by up to 2e-3.
    assert (jump < 0.05 * np.linalg.norm(wave, ord=2, axis=(1, 2)) + 2e-3).all()


@pytest.mark.parametrize("material", MATERIALS)
@pytest.mark.parametrize("frequency_hz", [1e9, 28e9])
@pytest.mark.parametrize("sheet", [False, True])
@pytest.mark.parametrize("transmits", [False, True])
def test_continuous_where_the_incident_wave_vanishes(material, frequency_hz, sheet, transmits):
    """What stands behind the edge is nothing, or what passes the sheet or both faces."""
    case = Case(9, material, frequency_hz, n=2 if sheet else None)
    limit = case.n * np.pi - np.pi
    phi_in = limit * case.uniform(0.1, 0.9)
    step = 2e-4 / np.sqrt(case.k / 73.0)
    before = case.diffracted(phi_in, np.pi + phi_in - step, transmits=transmits)
    behind = case.diffracted(phi_in, np.pi + phi_in + step, transmits=transmits)
    vanishing = np.broadcast_to(np.eye(2, dtype=complex), before.shape)
    if transmits:
        k = case.incoming(phi_in)
        first = np.broadcast_to([0.0, 1.0, 0.0], k.shape)
        angle = case.n * np.pi
        other = np.stack([np.sin(angle), -np.cos(angle), 0 * angle], axis=-1)
        passed = np.eye(2)
        for normal in (first,) if sheet else (first, other):
            _, _, te, tm = case.slab(np.abs(np.einsum("ci,ci->c", k, normal)))
            passed = case.at_face(k, k, normal, te, tm) @ passed
        vanishing = vanishing - passed
    jump = np.linalg.norm(before + vanishing - behind, ord=2, axis=(1, 2))
    assert (jump < 0.05).all()


@pytest.mark.parametrize("material", MATERIALS)
@pytest.mark.parametrize("sheet", [False, True])
def test_both_directions_are_alike(material, sheet):
    """Ends exchanged: the transposed matrix, with the hard direction turned round."""
    case = Case(11, material, n=2 if sheet else None)
    limit = case.n * np.pi
    phi_in, phi_out = limit * case.uniform(0.02, 0.98), limit * case.uniform(0.02, 0.98)
    turn = np.array([[1.0, -1.0], [-1.0, 1.0]])
    for transmits in (False, True):
        there = case.diffracted(phi_in, phi_out, transmits=transmits)
        back = case.diffracted(phi_in, phi_out, transmits=transmits, turned=True)
        size = np.linalg.norm(there, ord=2, axis=(1, 2))
        error = np.linalg.norm(back - turn * there.transpose(0, 2, 1), ord=2, axis=(1, 2))
        # A hair's breadth of a boundary both sides are right: there the rounding decides.
        assert np.quantile(error / np.maximum(size, 1e-3), 0.98) < 1e-3


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("material", ["metal", "concrete"])
def test_small_angles_are_the_knife_edge(hard, material):
    case = Case(13, material, n=2, sin_edge=1.0)
    case.tx_m, case.rx_m = case.uniform(100, 1000), case.uniform(100, 1000)
    bend = case.uniform(-0.01, 0.04)
    phi_in = np.full(case.count, np.pi / 2)
    found = case.diffracted(phi_in, phi_in + np.pi + bend)[:, int(hard), int(hard)]
    together = 1 / (1 / case.tx_m + 1 / case.rx_m)
    shorter = together * bend**2 / 2  # the way that passes the edge by
    total = np.abs(found + np.where(bend < 0, np.exp(1j * case.k * shorter), 0.0))
    nu = knife_edge_nu(bend * together, case.tx_m, case.rx_m, case.frequency_hz)
    assert np.abs(2 * to_db(total) + knife_edge_loss_db(nu)).max() < 0.5


def test_a_sheet_of_air_does_nothing():
    case = Case(15, "vacuum", n=2)
    case.thickness_m = 1e-7
    phi_in, phi_out = case.uniform(0.1, 3.0), case.uniform(0.1, 6.1)
    found = case.diffracted(phi_in, phi_out, transmits=True)
    assert np.abs(found).max() < 1e-4


@pytest.mark.parametrize(("material", "most"), [("metal", 1e-3), ("concrete", 0.06)])
def test_flat_edges_only_reflect(material, most):
    """n = 1: no edge at all, the field behind is that of the face alone.

    In lossy faces only about, which is one reason why seams of a plane are no edges.
    """
    case = Case(17, material, n=1.0)
    phi_in, phi_out = case.uniform(0.2, 1.4), case.uniform(0.2, 1.4)
    phi_out = np.where(np.abs(phi_in + phi_out - np.pi) < 0.2, phi_in, phi_out)
    assert np.abs(case.diffracted(phi_in, phi_out)).max() < most


def test_bases_of_the_world_keep_the_power():
    """Whatever the bases, a matrix without loss stays one, and straight on is no turn."""
    from rtwin.trace.diffraction.uniform_theory import Matrix

    engine = start_engine()
    mi = engine.mi
    random = np.random.default_rng(3)
    k = random.normal(size=(3, 200))
    k /= np.linalg.norm(k, axis=0)
    way = mi.Vector3f(*(mi.Float(c) for c in k))
    one, zero = mi.Complex2f(1.0, 0.0), mi.Complex2f(0.0, 0.0)
    real, imag = world_jones(Matrix(one, zero, zero, one), mi.Vector3f(0.6, 0, 0.8), way, way)
    found = np.array([[real[i, j].numpy() for j in range(2)] for i in range(2)])
    np.testing.assert_allclose(found, np.eye(2)[..., None] * np.ones(200), atol=2e-5)
    assert all(np.abs(np.asarray(imag[i, j])).max() == 0 for i in range(2) for j in range(2))
