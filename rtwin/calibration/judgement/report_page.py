"""The report of a calibration as one HTML page that needs nothing else."""

from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np

from rtwin.calibration.campaign import Measurements
from rtwin.calibration.judgement.svg import FIELD, RESIDUAL, lines_svg, scatter_svg
from rtwin.calibration.judgement.validation import TWIN

_WORST_ROWS = 30
_STYLE = """
:root{color-scheme:light}body{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff;
max-width:1040px;margin:2.5rem auto;padding:0 1.2rem}h1{font-size:1.5rem;margin:0 0 .2rem}
h2{font-size:1.1rem;margin:2.4rem 0 .6rem;border-top:1px solid #e5e5e5;padding-top:1.1rem}
p.lead{color:#555;margin:.1rem 0 1rem}table{border-collapse:collapse;margin:.6rem 0;
font-variant-numeric:tabular-nums}th,td{padding:.22rem .9rem .22rem 0;text-align:right;
border-bottom:1px solid #eee;white-space:nowrap}th{font-weight:600;color:#555}
td:first-child,th:first-child{text-align:left}
table.wordy td,table.wordy th{white-space:normal;text-align:left;vertical-align:top;font-size:13px}
tr.twin td{font-weight:650}
.warn{border-left:3px solid #D55E00;padding:.4rem .9rem;margin:.5rem 0;background:#fdf6f1}
.maps{display:flex;flex-wrap:wrap;gap:1.2rem}figure{margin:0}figcaption{color:#555;font-size:13px}
svg{max-width:100%;height:auto}.scroll{overflow-x:auto}small{color:#666}
"""


def table_html(
    head: Iterable[str],
    rows: Iterable[tuple[Iterable[Any], bool]],
    caption: str = "",
    *,
    wordy: bool = False,
) -> str:
    """A table; each row says whether it is the twin's."""
    top = "".join(f"<th>{escape(str(h))}</th>" for h in head)
    body = "".join(
        f"<tr{' class=twin' if strong else ''}>"
        + "".join(f"<td>{escape(_text(v))}</td>" for v in row)
        + "</tr>"
        for row, strong in rows
    )
    kind = " class=wordy" if wordy else ""
    return f'<div class="scroll"><table{kind}><tr>{top}</tr>{body}</table></div>{caption}'


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "-" if not np.isfinite(value) else f"{value:.2f}"
    return str(value)


def report_html(result: dict[str, Any], data: Measurements, twin_db: Any, before_db: Any) -> str:
    """The page of a result.

    Args:
        result: What result.json holds.
        data: The measurements that were used.
        twin_db: The twin's level of every row [dB].
        before_db: The level before calibration, ray traced or the best baseline [dB].
    """
    validation = result["validation"]
    scores = validation["scores"]
    points = validation["points_per_transmitter"]
    how_many = "all points" if points is None else f"{points} points per transmitter"
    body = [
        f"<h1>{escape(result['title'])}</h1>",
        f'<p class="lead">Campaign <b>{escape(result["campaign"])}</b>, '
        f"scene <b>{escape(result['scene'] or 'none: statistics alone')}</b>, "
        f"{result['rows']} rows from {result['raw_rows']} measurements.</p>",
        *(f'<div class="warn">{escape(line)}</div>' for line in result["warnings"]),
        f"<h2>Held-out error</h2><p class=lead>{_held_out(result)}; learned from {how_many}. RMSE "
        "is the mean over transmitters [dB], of what was heard; the log score counts what was "
        "not.</p>",
        _scores(scores),
        f"<p>90 % intervals hold {100 * validation['coverage_of_90_percent']:.0f} % of the "
        f"held-out measurements. The twin explains {100 * validation['explained_variance']:.0f} % "
        "of their variance. Weights: "
        + ", ".join(f"{escape(n)} {w:.2f}" for n, w in validation["weights"].items() if w > 0.005)
        + ".</p>",
        "<h2>By group</h2>",
        _groups(scores),
    ]
    if result.get("identifiability"):
        body += ["<h2>What the data can see</h2>", _identifiability(result["identifiability"])]
    if any(row["information"] for row in result.get("information", [])):
        body += [
            "<h3>Which paths carry the information</h3><p class=lead>Fisher information over the "
            "prior's, one parameter at a time, and its largest shares.</p>",
            _information(result["information"]),
        ]
    if result.get("choices"):
        body += ["<h2>What objects are made of</h2>", _choices(result["choices"])]
    curve = validation["learning_curve"]
    if curve:
        body += [
            "<h2>Learning curve</h2>",
            lines_svg(curve, "points per transmitter", "held-out RMSE [dB]", TWIN),
        ]
    body += ["<h2>Maps</h2>", _maps(data, twin_db, before_db, result["before"])]
    if result["set_aside"]:
        body += [
            "<h2>Set aside</h2>",
            table_html(
                ("reason", "measurements"), ((r, False) for r in result["set_aside"].items())
            ),
        ]
    if result.get("trust", {}).get("untrusted"):
        body += ["<h2>Not believed</h2>", _trust(result["trust"])]
    if result.get("next_positions"):
        rows = [((f"{x:.1f}", f"{y:.1f}", gain), False) for x, y, gain in result["next_positions"]]
        body += [
            "<h2>Where to measure next</h2>",
            table_html(("x [m]", "y [m]", "standard deviation of the map after it [dB]"), rows),
        ]
    body.append(f"<p><small>{escape(_provenance(result))}</small></p>")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(result['title'])}</title><style>{_STYLE}</style>{''.join(body)}</html>"
    )


def _held_out(result: dict[str, Any]) -> str:
    """What was held out, in words."""
    if result["validation"]["hold_out"] == "transmitters":
        return "Each transmitter is held out in turn"
    if result["validation"]["hold_out"] == "random":
        what = "Places at random are held out"
    else:
        what = f"Blocks of {result['block_m']:.3g} m are held out whole"
    return f"{what}, {100 * result['held_out']:.0f} % of them, {result['repeats']} draws"


def _scores(scores: list[dict[str, Any]]) -> str:
    rows = [
        (
            (
                s["model"],
                s["rmse_db"],
                ", ".join(f"{value:.2f}" for value in s["draws_db"]),
                s["median_db"],
                s["bias_db"],
                s["log_score"],
            ),
            s["model"] == TWIN,
        )
        for s in scores
    ]
    head = ("model", "RMSE", "of each draw", "median |error|", "bias", "log score")
    return table_html(head, rows)


def _groups(scores: list[dict[str, Any]]) -> str:
    parts = []
    for group in scores[0]["groups"] if scores else ():
        names = list(scores[0]["groups"][group])
        rows = [
            (
                (s["model"], *(s["groups"][group].get(n, float("nan")) for n in names)),
                s["model"] == TWIN,
            )
            for s in scores
        ]
        parts.append(table_html((group, *names), rows))
    return "".join(parts)


def _identifiability(rows: list[dict[str, Any]]) -> str:
    body = [
        (
            (
                r["parameter"],
                f"{r['prior']:.4g}",
                f"{r['value']:.4g}",
                f"{r['low']:.4g} to {r['high']:.4g}",
                r["posterior_over_prior"],
                r["verdict"],
            ),
            False,
        )
        for r in rows
    ]
    head = ("parameter", "prior", "kept", "not excluded", "posterior / prior width", "")
    return table_html(head, body, wordy=True)


def _information(rows: list[dict[str, Any]]) -> str:
    def shares(row: dict[str, Any], key: str) -> str:
        named = list(row.get(key, {}).items())[:3]
        return ", ".join(f"{name} {100 * share:.0f} %" for name, share in named) or "-"

    body = [
        (
            (
                r["parameter"],
                f"{r['information']:.3g}",
                shares(r, "by_interaction"),
                shares(r, "by_object"),
                shares(r, "by_transmitter"),
                r.get("rows_of_half", "-"),
            ),
            False,
        )
        for r in rows
    ]
    head = (
        "parameter",
        "information",
        "by interaction",
        "by object",
        "by transmitter",
        "rows with half of it",
    )
    return table_html(head, body, wordy=True)


def _choices(rows: list[dict[str, Any]]) -> str:
    body = [
        (
            (
                ", ".join(r["objects"][:3]) + (", ..." if len(r["objects"]) > 3 else ""),
                r["drawn"],
                r["chosen"],
                "-" if r["rise"] is None else f"{r['rise']:.1f}",
                f"{100 * r['power_share']:.1f} %",
                r["verdict"],
            ),
            False,
        )
        for r in rows
    ]
    head = ("object", "drawn", "chosen", "runner-up worse by", "share of the power", "")
    return table_html(head, body, wordy=True)


def _trust(table: dict[str, Any]) -> str:
    """Whose rows everything else contradicts, and where the worst were taken."""
    sources = [
        (
            (
                f"{kind} {row['name']}",
                row["rows"],
                row["untrusted"],
                f"{100 * row['share']:.1f} %",
                f"{row['off_db']:+.1f}",
                row["largest_score"],
            ),
            False,
        )
        for kind in ("transmitter", "device")
        for row in table[f"by_{kind}"]
    ]
    head = ("source", "rows", "not believed", "share", "mean off [dB]", "largest score")
    worst = sorted(table["places"], key=lambda row: -abs(row["score"]))[:_WORST_ROWS]
    places = [
        (
            (
                row["transmitter"],
                row["device"],
                *(f"{row[key]:.1f}" for key in ("x_m", "y_m", "level_db")),
                f"{row['off_db']:+.1f}",
                row["score"],
            ),
            False,
        )
        for row in worst
    ]
    where = ("transmitter", "device", "x [m]", "y [m]", "level [dB]", "off [dB]", "score")
    return (
        "<p class=lead>Rows that physics, neighbours and all other rows together contradict: they "
        "were set aside. Scores are robust standard deviations.</p>"
        + table_html(head, sources)
        + table_html(where, places)
    )


def _maps(data: Measurements, twin_db: Any, before_db: Any, before: str) -> str:
    seen = ~data.censored
    parts = []
    for number, link in enumerate(data.transmitters[:12]):
        rows = np.flatnonzero((data.tx == number) & seen)
        if not rows.size:
            continue
        level = data.level_db[rows]
        low, high = (float(v) for v in np.quantile(level, [0.02, 0.98]))
        place, mark = data.position_m[rows], np.array([link.position_m[:2]])
        off = 3 * max(float(np.sqrt(np.mean((twin_db[rows] - level) ** 2))), 1.0)
        pictures = [
            scatter_svg(place, level, mark, f"{link.name}: measured", "dB", (low, high), FIELD),
            scatter_svg(
                place,
                before_db[rows] - level,
                mark,
                f"{link.name}: {before} - measured",
                "dB",
                (-off, off),
                RESIDUAL,
            ),
            scatter_svg(
                place,
                twin_db[rows] - level,
                mark,
                f"{link.name}: twin - measured",
                "dB",
                (-off, off),
                RESIDUAL,
            ),
        ]
        parts.append(f'<div class="maps">{"".join(pictures)}</div>')
    return "".join(parts)


def _provenance(result: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    licence = f" ({result['licence']})" if result["licence"] else ""
    source = f"{result['source'] or 'No source named'}{licence}"
    return f"{source}. {versions}. Seed {result['seed']}."
