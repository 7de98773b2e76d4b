"""Requests from a log of a campus gateway, as the UMass trace repository has them."""

import re
import zlib
from pathlib import Path

import numpy as np

from rtwin.caching.demand.trace import NO_STATION, Catalogue, RequestTrace
from rtwin.errors import OutOfRangeError, StoreError

MAX_BYTES = 2**29
REPEAT_S = 600.0
_VIDEO = re.compile(r"[A-Za-z0-9_-]{11}")


def read_gateway(
    file: str | Path, num_stations: int = 5, most_wanted: int | None = None
) -> RequestTrace:
    """Requests of a log with lines `time server client GETVIDEO video content-server`.

    Videos lose what follows "&"; names that are no video (11 characters), marks and repeats of a
    client within 10 minutes are left out. Clients are spread over stations by the checksum of
    their name; each reaches one.

    Args:
        file: The log, not part of rtwin.
        num_stations: Stations.
        most_wanted: Keep the requests for so many of the most wanted videos; None: all.
    Raises:
        StoreError: if the file is missing, too large, or holds no requests.
        OutOfRangeError: if a number is not possible.
    Source: Zink, Suh, Gu, Kurose (2008); checked by tests/caching/demand/test_gateway.py.
    """
    file = Path(file)
    if num_stations < 1 or (most_wanted is not None and most_wanted < 1):
        raise OutOfRangeError(
            f"num_stations is {num_stations}, most_wanted {most_wanted}; they must be 1 or more"
        )
    try:
        if file.stat().st_size > MAX_BYTES:
            raise StoreError(f"{file}: has more than {MAX_BYTES >> 20} MiB; split it")
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except StoreError:
        raise
    except (OSError, ValueError) as error:
        raise StoreError(f"{file}: cannot be read ({str(error)[:80]})") from None
    rows = []
    for line in lines:
        words = line.split()
        if len(words) < 5 or words[3] != "GETVIDEO":
            continue
        video = words[4].split("&")[0]
        if not _VIDEO.fullmatch(video) or video.startswith("UMASS"):
            continue
        try:
            rows.append((float(words[0]), words[2], video))
        except ValueError:
            continue
    rows.sort()
    seen: dict[tuple[str, str], float] = {}
    kept = []
    for time_s, client, video in rows:
        before = seen.get((client, video))
        seen[client, video] = time_s
        if before is None or time_s - before > REPEAT_S:
            kept.append((client, video))
    if most_wanted is not None:
        names, counts = np.unique([video for _, video in kept], return_counts=True)
        wanted = set(names[np.argsort(-counts, kind="stable")[:most_wanted]])
        kept = [(client, video) for client, video in kept if video in wanted]
    if not kept:
        raise StoreError(f"{file}: holds no requests for videos; is it a gateway's log?")
    clients, client_row = np.unique([client for client, _ in kept], return_inverse=True)
    videos, item = np.unique([video for _, video in kept], return_inverse=True)
    station = np.array([zlib.crc32(name.encode()) % num_stations for name in clients])
    return RequestTrace(
        Catalogue(np.zeros(len(videos), np.int64), np.ones(len(videos))),
        client_row.astype(np.int64),
        item.astype(np.int64),
        station[client_row].astype(np.int64),
        np.full(len(kept), NO_STATION),
        # Nobody moves: one row would do, and a view of it takes no memory.
        np.broadcast_to(station.astype(np.int16), (len(kept), len(clients))),
        np.zeros(len(kept), bool),
        num_stations,
        {"kind": "gateway", "file": file.name, "most_wanted": most_wanted},
    )
