"""Damage to inputs: texts, trees of JSON, bytes; the same seed gives the same damage."""

import json
import random
import re
from collections.abc import Sequence
from typing import Any

NUMBERS = (
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e308",
    "-1e308",
    "1e-308",
    "99999999999999999999",
    "-99999999999999999999",
    "2147483648",
    "0.1",
    "1e5",
    "true",
    '""',
    '"x"',
    "[]",
    "1e999",
    "0x10",
    "1_000",
    "NaN",
    "null",
    "-",
    "",
)
WORDS = (
    "",
    "x" * 5000,
    "\u202e\u0000",
    "../../etc/passwd",
    "/etc/passwd",
    "a b",
    "é",
    "\x1b[2J",
    "$(touch x)",
    "'; drop",
    "ground",
    "concrete",
    "[",
    "{{",
)


def damaged_text(text: str, rng: random.Random) -> bytes:
    """A text with one to three things wrong."""
    data = text
    for _ in range(rng.randint(1, 3)):
        data = rng.choice(_OF_TEXTS)(data, rng)
    out = data.encode("utf-8", "surrogatepass")
    if rng.random() < 0.1:
        spot = rng.randrange(len(out) + 1)
        out = out[:spot] + rng.choice((b"\xff\xfe", b"\0", b"\x80", b"\xef\xbb\xbf")) + out[spot:]
    return out


def _number(text: str, rng: random.Random) -> str:
    return _exchanged(text, rng, r"-?\d+(\.\d+)?([eE][-+]?\d+)?", NUMBERS)


def _word(text: str, rng: random.Random) -> str:
    return _exchanged(text, rng, r"[A-Za-z_]{2,}", WORDS)


def _exchanged(text: str, rng: random.Random, pattern: str, others: Sequence[str]) -> str:
    """One of what a pattern finds, replaced by one of others."""
    found = list(re.finditer(pattern, text))
    if not found:
        return text
    one = rng.choice(found)
    return text[: one.start()] + rng.choice(others) + text[one.end() :]


def _lines(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            del lines[first]
        case 1:
            lines.insert(first, lines[second])
        case 2:
            lines[first], lines[second] = lines[second], lines[first]
        case _:
            lines[first] = lines[first][: rng.randrange(len(lines[first]) + 1)]
    return "\n".join(lines)


def _cut(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _insert(text: str, rng: random.Random) -> str:
    spot = rng.randrange(len(text) + 1)
    piece = rng.choice((*WORDS, *NUMBERS, "[" * 3000, "\n" * 50, ",,,", "=", "<a>", "&amp;"))
    return text[:spot] + piece + text[spot:]


_OF_TEXTS = (_number, _number, _number, _word, _lines, _cut, _insert)


def damaged_tree(data: Any, rng: random.Random) -> bytes:
    """JSON with one to three values replaced, removed, repeated or nested."""
    tree = json.loads(json.dumps(data))
    for _ in range(rng.randint(1, 3)):
        holder, key = _spot(tree, rng)
        if holder is None:
            break
        match rng.randrange(4):
            case 0:
                holder[key] = _nonsense(rng)
            case 1:
                del holder[key]
            case 2 if isinstance(holder, list):
                holder.extend([holder[key]] * rng.choice((1, 50)))
            case _:
                holder[key] = _nonsense(rng)
    text = json.dumps(tree)
    if rng.random() < 0.2:
        return damaged_text(text, rng)
    return text.encode("utf-8", "surrogatepass")


def _spot(tree: Any, rng: random.Random) -> tuple[Any, Any]:
    """A random place in a tree: what holds it and its key."""
    spots: list[tuple[Any, Any]] = []
    todo = [tree]
    while todo:
        node = todo.pop()
        keys: Any = ()
        if isinstance(node, dict):
            keys = list(node)
        elif isinstance(node, list):
            keys = range(len(node))
        for key in keys:
            spots.append((node, key))
            todo.append(node[key])
    return rng.choice(spots) if spots else (None, None)


def _nonsense(rng: random.Random) -> Any:
    deep: Any = 0
    for _ in range(200):
        deep = [deep]
    return rng.choice(
        (
            None,
            True,
            0,
            -1,
            1e308,
            -1e308,
            1e-300,
            2**70,
            float("nan"),
            float("inf"),
            "",
            "x" * 3000,
            "\0",
            [],
            {},
            [[]],
            [None],
            {"type": "x"},
            deep,
            "12",
            -3.7,
        )
    )


def damaged_bytes(data: bytes, rng: random.Random) -> bytes:
    """Bytes with some of them flipped, zeroed, cut out, repeated or put in."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        if not out:
            break
        spot = rng.randrange(len(out))
        if rng.random() < 0.4:
            spot = rng.randrange(min(len(out), 4096))  # headers mean more than values
        size = rng.choice((1, 1, 1, 2, 4, 8, 512))
        match rng.randrange(6):
            case 0:
                out[spot] ^= 1 << rng.randrange(8)
            case 1:
                out[spot : spot + size] = rng.randbytes(size)
            case 2:
                out[spot : spot + size] = bytes([rng.choice((0, 255))]) * size
            case 3:
                del out[spot : spot + size]
            case 4:
                out[spot:spot] = out[spot : spot + size]
            case _:
                del out[rng.randrange(len(out)) :]
    return bytes(out)
