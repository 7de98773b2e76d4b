"""Every way from few measurements to a new map, on scenes that nothing was learned from."""

from rtwin.horizontal.learned.benchmark.run import (
    Benchmark,
    compare,
    predictors,
    report_lines,
    run_benchmark,
)

__all__ = ["Benchmark", "compare", "predictors", "report_lines", "run_benchmark"]
