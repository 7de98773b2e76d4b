"""Names that other programs give to the columns of a table."""

import re
from collections.abc import Iterable

# Names in small letters, without what is neither letter nor digit. docs/conventions.md has
# this table; tests/docs/test_conventions_page.py holds them together.
MEANINGS = {
    meaning: tuple(names.split())
    for meaning, names in {
        "lat_deg": "lat latdeg latitude latitudedeg gpslat gpslatitude",
        "lon_deg": "lon lng long londeg longitude longitudedeg gpslon gpslong gpslongitude",
        "x_m": "x xm east eastm easting",
        "y_m": "y ym north northm northing",
        "z_m": "z zm",
        "height_m": "height heightm agl rxheight antennaheight",
        "time_s": "time times t seconds",
        "ue": "ue user userid ueid",
        "value": "value rsrp rsrpdbm ssrsrp ssrsrpdbm nrrsrp nrssrsrp ltersrp servingrsrp "
        "rsrpserving rsrpavg rsrpmean rssi rssidbm rss rssdbm rxlev rscp level leveldbm signal "
        "signaldbm signalstrength power powerdbm rxpower rxpowerdbm pathloss pathlossdb pathgain "
        "pathgaindb",
        "tx": "tx transmitter cell cellid cellname ci cid eci nci cgi ecgi ncgi pci nrpci ltepci "
        "servingpci physicalcellid cellidentity enodeb gnodeb site",
        "device": "device phone imei terminal handset",
    }.items()
}
_MEANING = {name: meaning for meaning, names in MEANINGS.items() for name in names}


def meaning_of(name: str) -> str | None:
    """What a column of that name holds, as rtwin calls it; None if nobody knows."""
    return _MEANING.get(flat_name(name))


def flat_name(name: str) -> str:
    """A name in small letters, without what is neither letter nor digit."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def recognised(header: list[str], known: Iterable[str]) -> list[str]:
    """A header in rtwin's names where others stand that mean the same.

    A name is changed only if what it means is known here and stands in no other column.
    """
    known = set(known)
    found = [meaning_of(name) for name in header]
    return [
        meaning
        if name not in known
        and meaning is not None
        and meaning in known
        and meaning not in header
        and found.count(meaning) == 1
        else name
        for name, meaning in zip(header, found, strict=True)
    ]


def same_meaning(name: str, header: Iterable[str]) -> list[str]:
    """Columns of a header that differ from a name by spelling alone, or mean the same."""
    flat, meaning = name.lower(), meaning_of(name)
    return [
        column
        for column in header
        if column.lower() == flat or (meaning is not None and meaning_of(column) == meaning)
    ]
