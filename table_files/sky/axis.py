"""What the name and the UCD of a column say of its angles: in which coordinate frame, along which axis."""

import re
from dataclasses import dataclass

from table_files.frame import CoordinateFrame, parse_frame

_UCD = re.compile(r"pos\.(eq|galactic|gal|ecliptic|ec|supergalactic|sg|az|earth|bodyrc|cartesian)\.(\w+)")
"""UCD1+ (IVOA), and UCD1 as older tables of VizieR have it, whose underscores are read as points."""
_UCD_SYSTEMS = {
    "eq": "equatorial", "galactic": "galactic", "gal": "galactic", "ecliptic": "ecliptic", "ec": "ecliptic",
    "supergalactic": "supergalactic", "sg": "supergalactic", "az": "horizontal", "earth": "terrestrial",
    "bodyrc": "planetary", "cartesian": "Cartesian",
}  # fmt: skip
_LONGITUDES, _LATITUDES = {"ra", "lon", "azi"}, {"dec", "lat", "alt"}
_PAIRS = {
    "galactic": (
        "glon gallon galacticlon galacticlongitude galactic_l lgal gall lii",
        "glat gallat galacticlat galacticlatitude galactic_b bgal galb bii",
    ),
    "ecliptic": (
        "elon ecllon eclipticlon eclipticlongitude",
        "elat ecllat eclipticlat eclipticlatitude",
    ),
    "supergalactic": (
        "sgl sglon sgallon supergalacticlon supergalacticlongitude",
        "sgb sglat sgallat supergalacticlat supergalacticlatitude",
    ),
    "horizontal": ("az azi azimuth", "alt altitude elevation zenithdistance zd"),
}
"""Names, without what is no letter or digit, by which only coordinates of such a frame are called."""
_NAMES = {
    name.replace("_", ""): (system, is_longitude)
    for system, (longitudes, latitudes) in _PAIRS.items()
    for names, is_longitude in ((longitudes, True), (latitudes, False))
    for name in names.split()
}
_DOUBTFUL = {
    "l": ("galactic", True), "b": ("galactic", False),
    "lambda": ("ecliptic", True), "beta": ("ecliptic", False),
}  # fmt: skip
"""Names of one letter, Latin or Greek, by which such coordinates are called, but other things as well."""
_EQUATORIAL = re.compile(r"(ra|alpha|rightascension|de|dec|decl|delta|declination)")
_OLD = re.compile(r"(ra|alpha|de|dec|decl|delta)(deg)?(?P<year>b?1[89]\d\d(\.\d+)?)(deg)?")
_FIRST_OF_FK5 = 1984
_DESCRIBED = re.compile(r"\b(super-?galactic|galactic|ecliptic)\s+(longitude|latitude)\b", re.IGNORECASE)
_DESCRIBED_OLD = re.compile(
    r"\bB(1[89]\d\d)(\.0)?\b|\((1950)(\.0)?\)|\bequinox\s*=?\s*(1[89]\d\d)", re.IGNORECASE
)

_NEW = re.compile(r"icrs|2000", re.IGNORECASE)


@dataclass(frozen=True)
class SkyAxis:
    """What is known of a column of angles.

    Attributes:
        system: equatorial, galactic, ecliptic, supergalactic, horizontal or another; empty where nothing is
            known.
        is_longitude: Whether it runs along the equator of its frame, as right ascension does, or to its
            poles; None where that is not known.
        source: What says so: "name" or "UCD"; empty where nothing does.
        equinox: The frame that a name such as RAB1950 says; None where it says none.
        is_certain: Whether such a column can be nothing else.
    """

    system: str = ""
    is_longitude: bool | None = None
    source: str = ""
    equinox: CoordinateFrame | None = None
    is_certain: bool = True


def find_axis(name: str, ucd: str = "", description: str = "") -> SkyAxis:
    """What a column's UCD says of its angles, or else its name, or else its description.

    Args:
        name: Name of the column.
        ucd: Its Unified Content Descriptor; empty where it has none.
        description: What the file says of it; empty where it says nothing.
    """
    plain = re.sub(r"[^a-z0-9.]", "", name.lower()).strip(".")
    equinox, source = _old_equinox(plain, description)
    if found := _UCD.fullmatch(ucd.lower().partition(";")[0].replace("_", ".").removesuffix(".main")):
        return SkyAxis(*_axis_of_ucd(found[1], found[2]), source or "UCD", equinox)
    bare = plain.replace(".", "")
    if bare in _NAMES:
        return SkyAxis(*_NAMES[bare], "name")
    if words := _OLD.fullmatch(plain) or _EQUATORIAL.fullmatch(_without_equinox(plain)):
        is_ra = words[1].startswith(("ra", "alpha", "right"))
        return SkyAxis("equatorial", is_ra, source or "name", equinox)
    if said := _DESCRIBED.search(description):
        return SkyAxis(said[1].lower().replace("-", ""), said[2].lower() == "longitude", "description")
    if bare in _DOUBTFUL:
        return SkyAxis(*_DOUBTFUL[bare], "name", is_certain=False)
    return SkyAxis(source=source, equinox=equinox)


def _axis_of_ucd(system: str, axis: str) -> tuple[str, bool | None]:
    is_longitude = True if axis in _LONGITUDES else False if axis in _LATITUDES else None
    if is_longitude is None and system == "eq":
        return ("hour angle" if axis == "ha" else "polar distance"), None
    return _UCD_SYSTEMS[system], is_longitude


def _old_equinox(plain: str, description: str) -> tuple[CoordinateFrame | None, str]:
    """The frame of an equinox before FK5 that a name such as RAB1950 or a description says, and what does."""
    old = _OLD.fullmatch(plain)
    if old and float(old["year"].removeprefix("b")) < _FIRST_OF_FK5:
        return parse_frame("", "B" + old["year"].removeprefix("b"), "name"), "name"
    said = _DESCRIBED_OLD.search(description)
    if said and not _NEW.search(f"{plain} {description}"):
        year = said[1] or said[3] or said[5]
        if int(year) < _FIRST_OF_FK5:
            return parse_frame("", f"B{year}", "description"), "description"
    return None, ""


def _without_equinox(plain: str) -> str:
    """A name such as raj2000, radeg or ra.icrs as ra."""
    return re.sub(r"(deg|icrs|j?2000(\.0*)?|\.)+$", "", plain.replace("win", "", 1))
