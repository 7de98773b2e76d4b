"""Where a Python file can be changed so that its behaviour should change: its mutation points.

An operator is exchanged for another of its family, a number or a truth value is changed. Left out
are annotations (they do not run) and two guards that only a mistake elsewhere could meet:
`strict=True` of zip and `frozen=True` of a dataclass.
"""

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ORDER = ("<", "<=", ">", ">=")
EXCHANGED: dict[type[ast.AST], tuple[str, tuple[str, ...]]] = {
    ast.Add: ("+", ("-",)),
    ast.Sub: ("-", ("+",)),
    ast.Mult: ("*", ("/",)),
    ast.Div: ("/", ("*",)),
    ast.FloorDiv: ("//", ("*",)),
    ast.Mod: ("%", ("*",)),
    ast.Pow: ("**", ("*",)),
    ast.LShift: ("<<", (">>",)),
    ast.RShift: (">>", ("<<",)),
    ast.BitAnd: ("&", ("|",)),
    ast.BitOr: ("|", ("&",)),
    ast.BitXor: ("^", ("&",)),
    ast.Lt: ("<", ("<=", ">", ">=")),
    ast.LtE: ("<=", ("<", ">", ">=")),
    ast.Gt: (">", ("<", "<=", ">=")),
    ast.GtE: (">=", ("<", "<=", ">")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: ("is not", ("is",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: ("not in", ("in",)),
    ast.And: ("and", ("or",)),
    ast.Or: ("or", ("and",)),
}
DROPPED: dict[type[ast.AST], str] = {ast.Not: "not", ast.USub: "-", ast.Invert: "~"}
GUARDS = {"strict", "frozen"}


@dataclass(frozen=True)
class Point:
    """Bytes `start` to `end` of a file, and what may stand there instead."""

    file: Path
    line: int
    start: int
    end: int
    old: str
    choices: tuple[str, ...]


def points(file: Path) -> list[Point]:
    """All mutation points of a file, in order."""
    return sorted(_Finder(file).found(), key=lambda point: (point.start, point.end))


def mutated(point: Point, new: str) -> bytes:
    """The file's content with `new` at the point."""
    source = point.file.read_bytes()
    return source[: point.start] + new.encode() + source[point.end :]


class _Finder:
    def __init__(self, file: Path):
        self.file = file
        self.source = file.read_bytes()
        starts = [0]
        for line in self.source.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        self.line_starts = starts

    def found(self) -> Iterator[Point]:
        yield from self.walk(ast.parse(self.source))

    def walk(self, node: ast.AST) -> Iterator[Point]:
        yield from self.at(node)
        for name, field in ast.iter_fields(node):
            if name in ("annotation", "returns"):
                continue
            for child in field if isinstance(field, list) else [field]:
                if isinstance(child, ast.AST) and not self.is_guard(child):
                    yield from self.walk(child)

    @staticmethod
    def is_guard(node: ast.AST) -> bool:
        return isinstance(node, ast.keyword) and node.arg in GUARDS

    def at(self, node: ast.AST) -> Iterator[Point]:
        match node:
            case ast.BinOp():
                yield from self.exchanged(node.op, node.left, node.right)
            case ast.AugAssign():
                yield from self.exchanged(node.op, node.target, node.value)
            case ast.Compare():
                operands = itertools.pairwise([node.left, *node.comparators])
                for op, (before, after) in zip(node.ops, operands, strict=True):
                    yield from self.exchanged(op, before, after)
            case ast.BoolOp():
                for before, after in itertools.pairwise(node.values):
                    yield from self.exchanged(node.op, before, after)
            case ast.UnaryOp() if type(node.op) in DROPPED:
                start = self.start(node)
                yield self.point(start, start + len(DROPPED[type(node.op)]), ("",))
            case ast.Constant(value=bool() | int() | float() as value):
                yield self.point(self.start(node), self.end(node), (_changed(value),))

    def exchanged(self, op: ast.AST, before: ast.expr, after: ast.expr) -> Iterator[Point]:
        """The operator that stands between two operands."""
        start, end = self.end(before), self.start(after)
        if type(op) not in EXCHANGED:
            return
        old, choices = EXCHANGED[type(op)]
        between = re.sub(rb"#[^\n]*", lambda m: b" " * len(m[0]), self.source[start:end])
        at = re.search(rb"\s+".join(re.escape(w).encode() for w in old.split()), between)
        assert at, f"{self.file}: no {old} in {between!r}"
        yield self.point(start + at.start(), start + at.end(), choices)

    def point(self, start: int, end: int, choices: tuple[str, ...]) -> Point:
        line = self.source.count(b"\n", 0, start) + 1
        return Point(self.file, line, start, end, self.source[start:end].decode(), choices)

    def start(self, node: ast.expr) -> int:
        return self.line_starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.line_starts[node.end_lineno - 1] + node.end_col_offset


def _changed(value: bool | int | float) -> str:
    if isinstance(value, bool):
        return str(not value)
    if isinstance(value, int):
        return str(value + 1)
    return repr(2 * value if value else 1.0)
