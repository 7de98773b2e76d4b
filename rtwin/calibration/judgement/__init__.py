"""How far it can be trusted: held-out error, warnings, and the report."""

from rtwin.calibration.judgement.place_checks import whose_levels
from rtwin.calibration.judgement.report_page import report_html
from rtwin.calibration.judgement.result_folder import (
    CAMPAIGN_FILE,
    finished_result,
    plain,
    prepare_result,
    read_result,
    write_result,
)
from rtwin.calibration.judgement.validation import Score, Validation, as_json, validate_twin
from rtwin.calibration.judgement.warnings import find_warnings, physics_warnings, trust_warnings

__all__ = [
    "CAMPAIGN_FILE",
    "Score",
    "Validation",
    "as_json",
    "find_warnings",
    "finished_result",
    "physics_warnings",
    "plain",
    "prepare_result",
    "read_result",
    "report_html",
    "trust_warnings",
    "validate_twin",
    "whose_levels",
    "write_result",
]
