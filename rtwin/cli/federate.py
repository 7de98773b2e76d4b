"""Commands of `rtwin federate`: sites that share materials and networks, no measurements."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from rtwin.cli.terminal import (
    CampaignData,
    JsonFlag,
    Talking,
    command_group,
    print_json,
    print_rows,
)
from rtwin.errors import OutOfRangeError
from rtwin.progress import count_of

if TYPE_CHECKING:
    from rtwin.federation.sites import Shared

SMALL = 0.05  # prior standard deviations
app = command_group(
    "Calibrate materials and merge networks of several sites; measurements stay at home."
)
Materials = Annotated[
    Path | None, Option(metavar="TOML", help="Materials that the data see, as a recipe has them.")
]
SharedFile = Annotated[
    Path, Option("-o", "--output", metavar="JSON", help="Shared parameters to write.")
]


@app.command()
def update(
    scene: Annotated[str, Argument(metavar="SCENE", help="The site's scene.")],
    campaign: Annotated[
        str, Argument(metavar="CAMPAIGN", help="Its campaign, as of rtwin calibrate.")
    ],
    output: Annotated[
        Path, Option("-o", "--output", metavar="JSON", help="What to send; made anew.")
    ],
    name: Annotated[str | None, Option(help="Of the site; default: the campaign's.")] = None,
    at: Annotated[
        Path | None, Option(metavar="JSON", help="Shared parameters of the last round, if any.")
    ] = None,
    data: CampaignData = None,
    json: JsonFlag = False,
) -> None:
    """What a site sends: how its materials should move, and how sure it is. No measurement.

    Example: rtwin federate update street_canyon canyon -o canyon.json
    """
    from rtwin.federation.sites import make_update, read_shared, write_update

    made = make_update(
        scene, campaign, name=name, at=None if at is None else read_shared(at), data=data
    )
    write_update(made, output)
    if json:
        print_json({"site": made.site, "rows": made.rows, "bytes": made.num_bytes})
        return
    print_rows(
        [
            ("site", f"{made.site}, {made.rows} rows"),
            ("parameters", ", ".join(p.name for p in made.parameters)),
            ("file", f"{output} ({made.num_bytes} bytes of numbers)"),
        ]
    )


@app.command()
def aggregate(
    updates: Annotated[
        list[Path], Argument(metavar="UPDATE...", help="Files of rtwin federate update.")
    ],
    output: SharedFile,
    damping: Annotated[
        float, Option(help="Shortens the step; 0: the full one, for a single round.")
    ] = 0.5,
    materials: Materials = None,
    json: JsonFlag = False,
) -> None:
    """One round: the step that the sites' measurements would give together.

    Example: rtwin federate aggregate canyon.json -o shared.json
    """
    from rtwin.federation.sites import aggregate as run
    from rtwin.federation.sites import disagreement, read_update

    made = [read_update(file) for file in updates]
    shared = run(made, damping=damping)
    doubts = disagreement(made) if len(made) > 2 else []
    _write(shared, output, materials, json, doubts)


@app.command()
def calibrate(
    talk: Talking,
    sites: Annotated[
        list[str], Argument(metavar="NAME=SCENE:CAMPAIGN...", help="Sites that are all at hand.")
    ],
    output: SharedFile,
    starts: Annotated[int, Option(help="Places that are tried first.")] = 8,
    seed: Annotated[int, Option(help="Draws them.")] = 1,
    materials: Materials = None,
) -> None:
    """All rounds at once, for sites at hand: shared materials from all of them together.

    Example: rtwin federate calibrate canyon=street_canyon:canyon -o shared.json
    """
    from rtwin.federation.sites import federate, load_site

    named = [_site(text) for text in sites]
    with talk.progress() as progress:
        loaded = []
        for number, (name, scene, campaign) in enumerate(named):
            loaded.append(load_site(scene, campaign, name=name))
            progress("trace", number + 1, len(named))
        shared = federate(loaded, starts=starts, seed=seed, done=count_of(progress, "fit"))
    _write(shared, output, materials, talk.json, [])


@app.command()
def network(
    networks: Annotated[
        list[Path], Argument(metavar="FILE...", help="Weights of sites, by rtwin horizontal train.")
    ],
    output: Annotated[
        Path, Option("-o", "--output", metavar="FILE", help="Weights to write, .npz.")
    ],
    rule: Annotated[
        str, Option(help="How they become one: mean, median, Krum, biweight, ...")
    ] = "biweight",
    fakes: Annotated[int, Option(help="Liars that Krum and Multi-Krum expect.")] = 0,
    json: JsonFlag = False,
) -> None:
    """One network from those that sites trained from one start.

    Example: rtwin federate network mine.npz -o all.npz
    """
    from rtwin.federation.sites import aggregate_networks

    found = aggregate_networks(networks, output, rule, fakes)
    if json:
        print_json(found)
        return
    print_rows(
        [
            ("rule", f"{found['rule']}, {found['sites']} sites, {found['weights']} weights"),
            *((name, f"{away:.4g} from the result") for name, away in found["distance"].items()),
            ("file", output),
        ]
    )


def _moved(step: float) -> str:
    if step < SMALL:
        return f"by {step:.2f} prior standard deviations: that is all"
    return f"by {step:.2f} prior standard deviations: ask the sites again, with --at"


def _site(text: str) -> tuple[str, str, str]:
    name, equals, rest = text.partition("=")
    scene, colon, campaign = rest.partition(":")
    if not (name and equals and scene and colon and campaign):
        raise OutOfRangeError(f"a site is {text!r}; write NAME=SCENE:CAMPAIGN")
    return name, scene, campaign


def _write(
    shared: "Shared", output: Path, materials: Path | None, json: bool, doubts: list[dict[str, Any]]
) -> None:
    from rtwin.federation.sites import write_materials, write_shared

    write_shared(shared, output)
    if materials is not None:
        write_materials(shared, materials)
    rows = shared.rows()
    if json:
        print_json(
            {"loss": shared.loss, "moved": shared.moved, "parameters": rows, "sites": doubts}
        )
        return
    width = max((len(row["parameter"]) for row in rows), default=0)
    for row in rows:
        verdict = "seen" if row["identified"] else "not seen; the prior is kept"
        typer.echo(
            f"{row['parameter']:<{width}}  {row['value']:9.4g}  90 %: {row['low']:.4g} to "
            f"{row['high']:.4g}  (prior {row['prior']:.4g})  {verdict}"
        )
    for row in doubts:
        if row["chance"] < 0.01:
            typer.echo(
                f"{row['site']} disagrees with all others (chance {row['chance']:.1e}): look at "
                "its measurements, or leave it out"
            )
    print_rows(
        [
            *([("moved", _moved(shared.moved))] if shared.rounds == 1 else []),
            ("sent", f"{shared.sent_bytes} bytes in {shared.rounds} exchanges"),
            ("file", output),
            *([] if materials is None else [("materials", materials)]),
        ]
    )
