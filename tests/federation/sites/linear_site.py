"""A site whose levels are linear in the parameters: everything has a closed form."""

from dataclasses import dataclass, field

import numpy as np

from rtwin.federation.sites import SharedParameter, SiteUpdate


def parameter(name, prior=5.0):
    return SharedParameter("relative_permittivity", name, prior, 0.7, "log1")


@dataclass(eq=False)
class LinearSite:
    """Rows y = a z with noise of a standard deviation of 1."""

    name: str
    parameters: tuple
    a: np.ndarray
    y: np.ndarray
    asked: list = field(default_factory=list)

    def loss(self, z):
        return float(((self.y - self.a @ z) ** 2).sum())

    def adopt_noise(self, z):
        pass

    def fringes(self, z):
        return [[] for _ in self.parameters]

    def update(self, z):
        self.asked.append(np.array(z))
        pull = self.a.T @ (self.y - self.a @ z)
        return SiteUpdate(
            self.name,
            self.parameters,
            np.array(z, float),
            pull,
            self.a.T @ self.a,
            self.loss(z),
            len(self.y),
        )


def drawn(name, names, truth, rows, rng, gain=1.0):
    """A site that measured some of the parameters."""
    a = gain * rng.standard_normal((rows, len(names)))
    y = a @ np.array([truth[n] for n in names]) + rng.standard_normal(rows)
    return LinearSite(name, tuple(parameter(n) for n in names), a, y)


def pooled(sites):
    """Least squares with the prior, of all rows in one place: solution and precision by name."""
    names = sorted({p.name for s in sites for p in s.parameters})
    rows, levels = [np.eye(len(names))], [np.zeros(len(names))]
    for site in sites:
        wide = np.zeros((len(site.y), len(names)))
        for column, p in zip(site.a.T, site.parameters, strict=True):
            wide[:, names.index(p.name)] = column
        rows.append(wide)
        levels.append(site.y)
    a, y = np.concatenate(rows), np.concatenate(levels)
    return np.linalg.lstsq(a, y, rcond=None)[0], a.T @ a
