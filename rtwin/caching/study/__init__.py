"""The caching study: run_caching(CachingStudy()) -> Findings -> tables, picture, files."""

from rtwin.caching.study.picture import plot_caching
from rtwin.caching.study.results import write_caching
from rtwin.caching.study.rows import Run
from rtwin.caching.study.runs import Findings, run_caching
from rtwin.caching.study.settings import CachingStudy
from rtwin.caching.study.tables import claims, json_report, markdown, verdict

__all__ = [
    "CachingStudy",
    "Findings",
    "Run",
    "claims",
    "json_report",
    "markdown",
    "plot_caching",
    "run_caching",
    "verdict",
    "write_caching",
]
