"""Sionna's own path solver on the very scene that rtwin traces, as the peer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from rtwin.trace import Tracer, load_world, place


@dataclass(frozen=True)
class PeerPath:
    """One path of the peer."""

    link: int
    interactions: tuple[int, ...]
    length_m: float
    aoa_zenith: float
    a: np.ndarray  # [rx_pol, tx_pol]


def solve_with_sionna(world: Any, receivers: Any, **solver: Any) -> list[PeerPath]:
    """Paths of every link as PathSolver finds them, transmitter by transmitter.

    One by one, because its ray sampling depends on how many there are.
    """
    rt, recipe = world.engine.rt, world.recipe
    scene, found = world.scene, []

    def array(antenna: Any) -> Any:
        return rt.PlanarArray(
            num_rows=1, num_cols=1, pattern=antenna.pattern, polarization=antenna.polarization
        )

    num_tx = len(recipe.transmitter)
    scene.rx_array = array(recipe.receivers.antenna)
    for i, position in enumerate(receivers.position_m):
        scene.add(
            rt.Receiver(
                f"rx{i}",
                (position - world.origin_m).tolist(),
                orientation=receivers.orientation_rad[i].tolist(),
            )
        )
    for t, tx in enumerate(recipe.transmitter):
        scene.tx_array = array(tx.antenna)
        place = (np.array(tx.position_m) - world.origin_m).tolist()
        scene.add(rt.Transmitter("tx", place, orientation=list(tx.orientation_rad)))
        paths = rt.PathSolver(deterministic=True)(scene, seed=recipe.seed, **solver)
        valid, tau = paths.valid.numpy(), paths.tau.numpy()
        kinds, zenith = paths.interactions.numpy(), paths.theta_r.numpy()
        a = paths.a[0].numpy() + 1j * paths.a[1].numpy()
        for i, _, p in np.argwhere(valid):
            found.append(
                PeerPath(
                    i * num_tx + t,
                    tuple(int(k) for k in kinds[:, i, 0, p] if k),
                    float(tau[i, 0, p]) * 299792458.0,
                    float(zenith[i, 0, p]),
                    a[i, :, 0, :, p],
                )
            )
        scene.remove("tx")
    for i in range(len(receivers)):
        scene.remove(f"rx{i}")
    return found


@dataclass(frozen=True)
class Comparison:
    """How the peer's paths are found again among rtwin's."""

    num_peer: int
    num_own: int
    missing: list[PeerPath]
    repeats: int  # paths that the peer has more than once
    errors: np.ndarray  # relative coefficient error of each path found again
    strength: np.ndarray  # of each: its coefficient over that of free space along its length
    shortest_m: np.ndarray  # of each: the shortest of its straight pieces


def _same_kinds(own: np.ndarray, peer: tuple[int, ...], through_more: bool) -> np.ndarray:
    """Which rows of kinds [path, depth] are the peer's, or that with more refractions."""
    found = [[int(kind) for kind in row if kind] for row in own]
    if not through_more:
        return np.array([row == list(peer) for row in found], bool)
    turns = [kind for kind in peer if kind != 4]
    return np.array(
        [[k for k in row if k != 4] == turns and len(row) >= len(peer) for row in found], bool
    )


@pytest.fixture(scope="session")
def compare_with_sionna():
    """Traces a recipe with rtwin and with Sionna's PathSolver and matches the paths."""

    def compare(recipe: Any, *, through_more: bool = False, **solver: Any) -> Comparison:
        """Args: through_more: rtwin's path may go through faces that the peer steps over."""
        world = load_world(recipe)
        receivers = place(world)
        own = Tracer(world).trace(receivers)
        peers = solve_with_sionna(world, receivers, **solver)
        offsets = np.concatenate([[0], np.cumsum(own.num_paths)])
        used = np.zeros(len(own.a), bool)
        missing, errors, strength, shortest_m, repeats = [], [], [], [], 0
        for peer in peers:
            rows = np.arange(offsets[peer.link], offsets[peer.link + 1])
            same = _same_kinds(own.interactions[rows], peer.interactions, through_more)
            same &= np.abs(own.delay_s[rows] * 299792458.0 - peer.length_m) < 2e-2
            same &= np.abs(own.aoa_zenith[rows] - peer.aoa_zenith) < 1e-2
            if not same.any():
                missing.append(peer)
                continue
            if used[rows[same]].all():
                repeats += 1
                continue
            same &= ~used[rows]
            distance = np.abs(own.a[rows[same]] - peer.a).max(axis=(1, 2)) / np.abs(peer.a).max()
            found = rows[same][np.argmin(distance)]
            used[found] = True
            errors.append(distance.min())
            free = world.scene.wavelength[0] / (4 * np.pi * peer.length_m)
            strength.append(np.abs(peer.a).max() / free)
            inner = own.vertex_m[found][own.interactions[found] != 0].astype(np.float64)
            tx = recipe.transmitter[peer.link % len(recipe.transmitter)].position_m
            line = [tx, *inner, receivers.position_m[peer.link // len(recipe.transmitter)]]
            shortest_m.append(np.linalg.norm(np.diff(line, axis=0), axis=1).min())
        columns = (np.array(column) for column in (errors, strength, shortest_m))
        return Comparison(len(peers), len(own.a), missing, repeats, *columns)

    return compare
