"""Commands on how good twins are, and which of them to bring up to date."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rtwin.cli.studies.running import decimals
from rtwin.cli.terminal import (
    JsonFlag,
    SceneOfFile,
    Talking,
    numbers,
    pair,
    print_json,
    print_rows,
    quantity,
)

TIMES = {"s": 1.0, "ms": 1e-3, "min": 60.0, "": 1.0}


def quality(
    twins: Annotated[list[Path], typer.Argument(metavar="TWIN...", help="Folders of twins.")],
    measurements: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Check points; TWIN=FILE where there are several twins. Repeatable.",
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="NAME=W,...", help="Of attributes; those not named count nothing."),
    ] = None,
    form: Annotated[
        str, typer.Option(help="additive, multiplicative or copula; see docs/deployment.md.")
    ] = "additive",
    horizon: Annotated[
        float, typer.Option(metavar="H", help="Age at which freshness falls to 1/e [h].")
    ] = 168.0,
    task: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="TASK",
            help="Name the best for slicing, streaming or channels; the TWINs may be files, too.",
        ),
    ] = None,
    area: Annotated[
        str | None,
        typer.Option(
            metavar="W,S,E,N", help="Where the task is [m]; default: the map of the first TWIN."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PICTURE", help="PNG, PDF or SVG.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Say how good twins are: accuracy, freshness, coverage, calibration, cost, trust.

    With `--for`, twins, their older snapshots, radio maps and datasets are ranked for a task.

    Example: rtwin quality street.twin -o quality.png
    """
    from rtwin.deployment import FORMS, Utility, twin_quality, weights_of
    from rtwin.deployment.picture import plot_quality
    from rtwin.plot import save_figure

    chosen = next((known for known in FORMS if known == form), None)
    if chosen is None:
        raise typer.BadParameter(f"{form!r}: give {', '.join(FORMS)}", param_hint="--form")
    if task is not None:
        if weights or chosen != "additive":
            raise typer.BadParameter("a task has weights of its own", param_hint="--for")
        return _ranked(twins, task, measurements or [], area, 3600 * horizon, output, json)
    if area is not None:
        raise typer.BadParameter("goes with --for", param_hint="--area")
    utility = Utility(weights_of(numbers("weights", weights or "")), chosen)
    checks = _checks([str(twin) for twin in twins], measurements or [])
    found = [
        twin_quality(
            twin,
            utility=utility,
            measurements=checks.get(str(twin)),
            horizon_s=3600 * horizon,
        )
        for twin in twins
    ]
    if output is not None:
        save_figure(plot_quality(found), output)
    if json:
        print_json(
            [
                {
                    "twin": str(each.twin),
                    "utility": each.utility,
                    "attributes": each.values,
                    "facts": each.facts,
                    "gains": each.gains,
                    "advice": each.advice,
                }
                for each in found
            ]
        )
        return
    for each in found:
        print_rows(
            [
                ("twin", each.twin),
                *(
                    (name, f"{each.values[name]:.2f}  {fact}" if name in each.values else fact)
                    for name, fact in each.facts.items()
                ),
                ("utility", f"{each.utility:.2f} ({form})"),
                ("advice", each.advice),
            ]
        )
    if output is not None:
        print_rows([("picture", output)])


def _ranked(
    sources: list[Path],
    task: str,
    measurements: list[str],
    area: str | None,
    horizon_s: float,
    output: Path | None,
    json: bool,
) -> None:
    """Print who serves a task best, and why."""
    from rtwin.deployment import select_twin
    from rtwin.deployment.picture import plot_quality
    from rtwin.plot import save_figure

    if len(measurements) > 1:
        raise typer.BadParameter("one file for all, with --for", param_hint="--measurements")
    west_to_north = tuple(decimals("area", area)) if area else ()
    if area and len(west_to_north) != 4:
        raise typer.BadParameter(f"{area!r}: give west,south,east,north", param_hint="--area")
    found = select_twin(
        sources,
        task,
        measurements=measurements[0] if measurements else None,
        area_m=west_to_north or None,  # type: ignore[arg-type]
        horizon_s=horizon_s,
    )
    if output is not None:
        save_figure(plot_quality([each.quality for each in found if each.quality]), output)
    if json:
        print_json(
            [
                {
                    "twin": str(each.source),
                    "kind": each.kind,
                    "utility": each.quality.utility if each.quality else None,
                    "attributes": each.quality.values if each.quality else {},
                    "facts": each.quality.facts if each.quality else {},
                    "why": each.why,
                }
                for each in found
            ]
        )
        return
    print_rows(
        [
            (
                str(each.source),
                f"{each.quality.utility:.2f} ({each.kind}): {each.why}"
                if each.quality
                else f"cannot serve: {each.why}",
            )
            for each in found
        ]
    )
    print_rows([("best for " + task, found[0].source)])
    if output is not None:
        print_rows([("picture", output)])


def _checks(twins: list[str], given: list[str]) -> dict[str, str]:
    """File of check points of each twin."""
    found = {}
    for text in given:
        twin, equals, file = text.partition("=")
        if not equals:
            if len(twins) != 1:
                raise typer.BadParameter(
                    f"{text!r}: write TWIN=FILE, there are several twins",
                    param_hint="--measurements",
                )
            twin, file = twins[0], text
        if twin not in twins:
            raise typer.BadParameter(f"{twin!r} is none of the twins", param_hint="--measurements")
        found[twin] = file
    return found


def deploy(
    talk: Talking,
    twins: Annotated[list[Path], typer.Argument(metavar="TWIN...", help="Folders of twins.")],
    budget: Annotated[
        str, typer.Option(metavar="TIME", help="For all of them together, like 30s or 2min.")
    ],
    news: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TWIN=FILE", help="What is new of a twin: edits or measurements. Repeatable."
        ),
    ] = None,
    importance: Annotated[
        list[str] | None,
        typer.Option(metavar="TWIN=W", help="What quality of a twin is worth [default: 1]."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="NAME=W,...", help="Of attributes; those not named count nothing."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide and print alone.")] = False,
    scene: SceneOfFile = None,
) -> None:
    """Decide which twins to bring up to date within a budget of time, and how, and do it.

    Example: rtwin deploy street.twin --news street.twin=car_moved.toml --budget 60s
    """
    from rtwin.deployment import Utility, carry_out, plan_deployment, weights_of

    known = {os.path.normpath(twin): str(twin) for twin in twins}

    def of_twins(option: str, given: list[str] | None) -> dict[str, str]:
        """A trailing slash makes no other twin."""
        split = (pair(option, text) for text in given or ())
        return {known.get(os.path.normpath(name), name): value for name, value in split}

    orders = plan_deployment(
        twins,
        of_twins("news", news),
        quantity(budget, TIMES, "--budget"),
        utility=Utility(weights_of(numbers("weights", weights or ""))),
        importance={
            name: numbers("importance", f"{name}={value}")[name]
            for name, value in of_twins("importance", importance).items()
        },
    )
    took: list[float | None] = []
    with replace(talk, quiet=talk.quiet or dry_run).progress() as progress:
        for order in orders:
            start = time.perf_counter()
            done = None if dry_run else carry_out(order, scene, progress)
            took.append(None if done is None else round(time.perf_counter() - start, 2))
    talk.tell(
        [
            {
                "twin": str(order.twin),
                "mapping": order.choice.mapping,
                "how": order.choice.how,
                "expected_s": order.choice.seconds,
                "took_s": seconds,
                "why": order.why,
            }
            for order, seconds in zip(orders, took, strict=True)
        ],
        [
            (str(order.twin), order.why + ("" if seconds is None else f"; took {seconds:.1f} s"))
            for order, seconds in zip(orders, took, strict=True)
        ],
    )
