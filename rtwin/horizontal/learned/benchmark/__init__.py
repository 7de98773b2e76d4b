"""Every way to a new map on scenes that nothing was learned from: scores, tables, pictures."""

from rtwin.horizontal.learned.benchmark.run import Benchmark, report_lines, run_benchmark

__all__ = [
    "Benchmark",
    "report_lines",
    "run_benchmark",
]
