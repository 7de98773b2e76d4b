"""The streaming study: schemes, what twins are worth, tables and pictures."""

from rtwin.streaming.study.runs import SCHEMES
from rtwin.streaming.study.settings import StreamingStudy
from rtwin.streaming.study.study import Findings, run_streaming
from rtwin.streaming.study.tables import streaming_results

__all__ = ["SCHEMES", "Findings", "StreamingStudy", "run_streaming", "streaming_results"]
