"""Small drawings for the report, as SVG text: points on a map, lines over a number."""

from html import escape

import numpy as np

from rtwin.arrays import Floats

# Viridis and a blue-white-red scale, in steps that a printed page keeps apart.
FIELD = (
    "#440154",
    "#472d7b",
    "#3b528b",
    "#2c728e",
    "#21918c",
    "#28ae80",
    "#5ec962",
    "#addc30",
    "#fde725",
)
RESIDUAL = ("#2166ac", "#67a9cf", "#d1e5f0", "#f7f7f7", "#fddbc7", "#ef8a62", "#b2182b")
LINES = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#D55E00",
    "#56B4E9",
    "#8C8C8C",
    "#000000",
    "#A6761D",
    "#666666",
)
MAX_POINTS = 2500
_TEXT = 'font-family="inherit" font-size="11" fill="#555"'


def scatter_svg(
    position_m: Floats,
    values: Floats,
    marks_m: Floats,
    title: str,
    unit: str,
    limits: tuple[float, float],
    colors: tuple[str, ...] = FIELD,
    size: int = 300,
) -> str:
    """Points from above, coloured by value; `marks_m` [mark, 2] are the transmitters."""
    if len(position_m) > MAX_POINTS:
        some = np.sort(np.random.default_rng(0).permutation(len(position_m))[:MAX_POINTS])
        position_m, values = position_m[some], values[some]
    flat = position_m[:, :2]
    both = np.concatenate([flat, marks_m])
    low, high = both.min(axis=0), both.max(axis=0)
    extent = max(float((high - low).max()), 1e-6)
    scale = (size - 20) / extent
    width, height = (float(v) for v in (high - low) * scale + 20)
    span = max(limits[1] - limits[0], 1e-9)
    step = np.clip((values - limits[0]) / span * len(colors), 0, len(colors) - 1)
    parts = []
    radius = max(1.2, min(3.0, 60 / np.sqrt(max(len(flat), 1))))
    for number, color in enumerate(colors):
        rows = np.flatnonzero(step.astype(int) == number)
        dots = "".join(
            f'<circle cx="{10 + (x - low[0]) * scale:.1f}" '
            f'cy="{height - 10 - (y - low[1]) * scale:.1f}" r="{radius:.1f}"/>'
            for x, y in flat[rows]
        )
        parts.append(f'<g fill="{color}">{dots}</g>')
    for x, y in marks_m:
        px, py = 10 + (x - low[0]) * scale, height - 10 - (y - low[1]) * scale
        parts.append(f'<path d="M{px:.1f} {py - 6:.1f}l5 9h-10z" fill="#D55E00" stroke="#fff"/>')
    bar = "".join(
        f'<rect x="{10 + i * 14}" y="{height + 8:.0f}" width="14" height="8" fill="{c}"/>'
        for i, c in enumerate(colors)
    )
    ends = (
        f'<text x="10" y="{height + 30:.0f}" {_TEXT}>{limits[0]:.0f}</text>'
        f'<text x="{10 + 14 * len(colors)}" y="{height + 30:.0f}" text-anchor="end" {_TEXT}>'
        f"{limits[1]:.0f} {escape(unit)}</text>"
    )
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {width:.0f} '
        f'{height + 36:.0f}" width="{width:.0f}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}{bar}{ends}</svg></figure>"
    )


def lines_svg(
    series: dict[str, list[tuple[int, float]]], x_label: str, y_label: str, strong: str = ""
) -> str:
    """Lines over the logarithm of a number, with their names at the right end."""
    points = [p for line in series.values() for p in line]
    if not points:
        return ""
    width, height, left, right, bottom = 720, 340, 52, 210, 44
    xs, ys = np.array(points, np.float64).T
    x0, x1 = np.log10(xs.min()), max(np.log10(xs.max()), np.log10(xs.min()) + 1e-3)
    y0, y1 = np.floor(ys.min()), np.ceil(min(ys.max(), np.median(ys) * 3))

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            left + (np.log10(x) - x0) / (x1 - x0) * (width - left - right),
            10 + (y1 - min(y, y1)) / (y1 - y0) * (height - bottom - 10),
        )

    parts = []
    for y in np.linspace(y0, y1, int(min(y1 - y0, 8)) + 1):
        py = place(xs.min(), y)[1]
        parts.append(
            f'<line x1="{left}" x2="{width - right}" y1="{py:.0f}" y2="{py:.0f}" stroke="#eee"/>'
            f'<text x="{left - 6}" y="{py + 4:.0f}" text-anchor="end" {_TEXT}>{y:.3g}</text>'
        )
    for x in sorted(set(xs)):
        px = place(x, y0)[0]
        parts.append(
            f'<text x="{px:.0f}" y="{height - bottom + 16}" text-anchor="middle" {_TEXT}>'
            f"{x:.0f}</text>"
        )
    ends = sorted(
        ((place(*line[-1])[1], name) for name, line in series.items() if line), key=lambda e: e[0]
    )
    at: dict[str, float] = {}
    last = -np.inf
    for py, name in ends:
        last = max(py, last + 13)
        at[name] = last
    for number, (name, line) in enumerate(series.items()):
        if not line:
            continue
        color = LINES[number % len(LINES)]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in (place(*p) for p in line))
        thick = 3 if name == strong else 1.4
        px, _ = place(*line[-1])
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{thick}"/>'
            f'<text x="{px + 8:.0f}" y="{at[name] + 4:.0f}" font-size="11" fill="{color}">'
            f"{escape(name)}</text>"
        )
    parts.append(
        f'<text x="{(left + width - right) / 2:.0f}" y="{height - 8}" text-anchor="middle" {_TEXT}>'
        f'{escape(x_label)}</text><text x="14" y="{height / 2:.0f}" text-anchor="middle" {_TEXT} '
        f'transform="rotate(-90 14 {height / 2:.0f})">{escape(y_label)}</text>'
    )
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img">{"".join(parts)}</svg>'
