"""From a scene and a campaign to a calibrated twin and its report: one call."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.calibration.application import write_twin
from rtwin.calibration.campaign import (
    Campaign,
    HoldOut,
    Inputs,
    Measurements,
    campaign_toml,
    default_block_m,
    link_inputs,
    load_campaign,
    load_measurements,
)
from rtwin.calibration.drive_test import drive_campaign, is_table
from rtwin.calibration.journal import journal_folder, open_journal
from rtwin.calibration.judgement import (
    CAMPAIGN_FILE,
    as_json,
    find_warnings,
    finished_result,
    physics_warnings,
    prepare_result,
    report_html,
    trust_warnings,
    validate_twin,
    write_result,
)
from rtwin.calibration.physics import (
    RAY_TRACED,
    PhysicalFit,
    TracedCampaign,
    fitted_materials,
    information_table,
    trace_campaign,
)
from rtwin.calibration.statistics import (
    Twin,
    believed,
    check_rows,
    fit_twin,
    plan_route,
    trust_table,
)
from rtwin.dataset.store import provenance
from rtwin.errors import CampaignError, OutOfRangeError
from rtwin.progress import Progress, silent
from rtwin.scene import Recipe, load_recipe, recipe_dict


def calibrate(
    scene: str | Path | None,
    campaign: Campaign | str | Path,
    output: str | Path,
    *,
    data: str | Path | None = None,
    points: int | None = None,
    repeats: int | None = None,
    curve: bool = True,
    scene_curve: bool = False,
    held_out: HoldOut = "blocks",
    overwrite: bool = False,
    progress: Progress = silent,
) -> Path:
    """Calibrate a twin with a campaign and write its honest report.

    Args:
        scene: Shipped scene, folder or recipe; None for statistics without a map.
        campaign: Shipped campaign, folder or campaign.toml, a Campaign, or a table of levels
            that were measured in the scene, see drive_campaign.
        output: Folder of the result: result.json, report.html and the campaign.toml;
            appears whole or not at all.
        data: Folder of the measurement files, where it is not the campaign's.
        points: Rows per transmitter to learn from in the validation; default:
            the campaign's.
        repeats: How often blocks are held out anew; default: the campaign's.
        curve: Whether to make the learning curve, which takes most of the time.
        scene_curve: Whether the learning curve fits the scene for every number of
            points, too.
        held_out: What validation holds out: "blocks", "random" places, or each of the
            "transmitters" in turn, whose level is then predicted from the others.
        overwrite: Make it anew and replace an older result; without it, a finished result
            of the same request is left as it is.
        progress: Called with a stage, steps done and in all.
    Returns:
        The result's folder.
    Raises:
        CampaignError: if the measurements cannot be used.
        RecipeError, GeometryError: if the scene cannot.
        StoreError: if the result cannot be written.
    """
    output = Path(output)
    for name, value in (("points", points), ("repeats", repeats)):
        if value is not None and value < 1:
            raise OutOfRangeError(f"{name} is {value}; it must be 1 or more")
    prepare_result(output, overwrite=True)  # whose it is; whether it is this one, is seen below
    recipe = None if scene is None else load_recipe(scene)
    plan = _campaign_of(campaign, data, recipe)
    progress("trace", 0, 1)
    part = None
    if recipe is not None:
        part = trace_campaign(plan, recipe)
    measured = load_measurements(plan) if part is None else part.data
    progress("trace", 1, 1)
    inputs = link_inputs(measured) if part is None else part.inputs()
    spec = plan.validation
    block_m = spec.block_m or default_block_m(measured)
    points, repeats = points or spec.points, repeats or spec.repeats

    request = _request(plan, recipe, measured, points, repeats, (curve, scene_curve, held_out))
    if not overwrite and finished_result(output, request):
        if journal_folder(output).exists():
            open_journal(output, request).close()  # the process died before it could
        progress("validate", 1, 1)
        return output
    prepare_result(output, overwrite)
    steps = open_journal(output, request)

    def physics(train: Ints, seed: int) -> tuple[dict[str, Floats], Inputs]:
        assert part is not None
        own = steps.part(f"fit-{seed}-{len(train)}")
        solved, fit = part.solved(train, seed, progress, own)
        levels = solved.levels(fit, train)
        return levels, solved.inputs(fit)

    verdict = check_rows(measured, inputs, np.arange(len(measured)), plan.seed)
    validation = validate_twin(
        measured,
        inputs,
        plan.environment,
        block_m,
        share=spec.held_out,
        repeats=repeats,
        points=points,
        curve=spec.learning_curve if curve else (),
        seed=plan.seed,
        physics=None if part is None else physics,
        curve_physics=scene_curve,
        held_out=held_out,
        line_of_sight=None if part is None else part.features.line_of_sight,
        untrusted=verdict.untrusted,
        progress=progress,
        journal=steps.part("validate"),
    )
    kept = verdict.kept
    fit, levels = None, {}
    if part is not None:
        part, fit = part.solved(kept, plan.seed, progress, steps.part("final"), final=True)
        measured, levels = part.data, part.levels(fit, kept)
        inputs = part.inputs(fit)
    twin = fit_twin(measured, inputs, plan.environment, kept, block_m, plan.seed)
    before = _best_baseline(twin) if fit is None else RAY_TRACED
    before_db = {**twin.models, **levels}[before][kept]
    trust = trust_table(measured, verdict)
    used = believed(measured, verdict)
    result = _result(plan, recipe, used, twin, block_m, repeats)
    result["request_hash"] = request
    result["trust"] = trust
    result["validation"] = {"hold_out": held_out, **as_json(validation)}
    result["before"] = before
    result |= _physics(part, fit)
    result["warnings"] = find_warnings(measured, block_m, result["validation"], plan.seed)
    result["warnings"] += trust_warnings(trust)
    result["warnings"] += physics_warnings(result["validation"]["scores"])
    in_the_open = None if part is None else part.in_the_open
    result["next_positions"] = plan_route(used, 10, in_the_open, plan.seed)
    page = report_html(result, used, twin.left_out_db, before_db)
    own = link_inputs(used, inputs.physics[kept], inputs.names)

    def more(place: Path) -> None:
        write_twin(place, used, own)
        (place / CAMPAIGN_FILE).write_text(campaign_toml(plan), encoding="utf-8")

    folder = write_result(output, result, page, overwrite, more)
    steps.close()
    return folder


def _campaign_of(
    campaign: Campaign | str | Path, data: str | Path | None, recipe: Recipe | None
) -> Campaign:
    if isinstance(campaign, Campaign):
        return campaign
    if not is_table(campaign):
        return load_campaign(campaign, data)
    if recipe is None:
        raise CampaignError(
            f"{campaign}: a table alone does not say where transmitters stand; name a scene that "
            "does, or write a campaign.toml (docs/calibration.md)"
        )
    return drive_campaign(recipe, Path(data or "") / campaign).campaign


def _physics(part: TracedCampaign | None, fit: PhysicalFit | None) -> dict[str, Any]:
    """What a result says of its physics; empty without a scene."""
    if part is None or fit is None:
        return {
            "identifiability": [],
            "materials": {},
            "offset_db": None,
            "information": [],
            "choices": [],
            "objects": {},
            "places": {},
            "floor": None,
        }

    rows = fit.identifiability()
    places, choice = part.places, part.choice
    moved = {}
    if places is not None:
        rows = [*places.rows, *rows]
        moved = {
            link.name: link.position_m
            for link, shift in zip(part.data.transmitters, places.shift_m, strict=True)
            if shift.any()
        }
    return {
        "identifiability": rows,
        "materials": fitted_materials(part, fit),
        "offset_db": fit.offset_db,
        "floor": part.model.floor,
        "information": information_table(part.model, fit, part.campaign.fit),
        "choices": [] if choice is None else choice.rows,
        "objects": {} if choice is None else choice.materials,
        "places": moved,
    }


def _request(
    plan: Campaign,
    recipe: Recipe | None,
    measured: Measurements,
    points: int | None,
    repeats: int,
    curve: tuple[bool, bool, str],
) -> str:
    """Hash of everything that shapes a result."""
    digest = hashlib.sha256(_measured_hash(measured).encode())
    scene = None if recipe is None else recipe_dict(recipe)
    whole = [plan.model_dump(mode="json"), scene, points, repeats, curve, provenance()]
    digest.update(json.dumps(whole, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def _measured_hash(measured: Measurements) -> str:
    digest = hashlib.sha256()
    for values in (measured.position_m, measured.level_db, measured.tx, measured.device):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _best_baseline(twin: Twin) -> str:
    simple = {n: e for n, e in twin.left_out.items() if "kriging" not in n}
    return min(simple, key=lambda name: simple[name])


def _result(
    plan: Campaign,
    recipe: Recipe | None,
    measured: Measurements,
    twin: Twin,
    block_m: float,
    repeats: int,
) -> dict[str, Any]:
    return {
        "title": plan.title,
        "campaign": plan.name,
        "campaign_hash": _measured_hash(measured),
        "scene": None if recipe is None else recipe.name,
        "source": plan.source,
        "licence": plan.licence,
        "environment": plan.environment,
        "frequency_hz": plan.frequency_hz,
        "quantity": plan.measurements.quantity,
        "seed": plan.seed,
        "rows": len(measured),
        "raw_rows": int(measured.count.sum()) + sum(measured.set_aside.values()),
        "set_aside": measured.set_aside,
        "block_m": block_m,
        "held_out": plan.validation.held_out,
        "repeats": repeats,
        "transmitters": [link.__dict__ for link in measured.transmitters],
        "devices": list(measured.devices),
        "weights": twin.weights,
        "widening": twin.widening,
        "versions": provenance(),
    }
