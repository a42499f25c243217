"""A galaxy by its name: the survey's own id, a position as a name, or what CDS' name service knows."""

import re

import psycopg
from astropy import units
from astropy.coordinates import Angle, SkyCoord
from astropy.coordinates.name_resolve import NameResolveError

from catalog.database.read_only import select
from catalog.errors import UnknownObjectError
from catalog.search.galaxy_at import find_galaxy_at
from table_files.angle import normalise_minus, parse_position

_ID_END = 2**63
_BY_ID = "SELECT object_id FROM galcat.galaxy WHERE object_id = %(id)s"
_OF_SURVEY = (
    "SELECT s.object_id, v.name FROM galcat.source AS s JOIN galcat.survey AS v USING (survey_id) "
    "WHERE s.survey_source_id = %(id)s AND (%(survey)s::text IS NULL OR v.name = %(survey)s) "
    "AND NOT s.is_retired"
)
_SEXAGESIMAL = re.compile(r"J(?P<ra>\d{6}(?:\.\d+)?)(?P<sign>[+-])(?P<dec>\d{6}(?:\.\d+)?)$", re.IGNORECASE)


def find_galaxy_by_name(connection: psycopg.Connection, name: str, radius_arcsec: float) -> int:
    """The object_id of a galaxy, by its name.

    Args:
        connection: Open connection; only read from.
        name: An object_id; a survey's own id (`survey:id` where several surveys have it); a position such as
            `10:01:17.78 +01:58:27.1`, or a name that ends in one, such as `SDSS J100024.1+021530`; or any
            that CDS' Sesame knows, such as `M 51`, which is asked over the network, and only for what is none
            of the others.
        radius_arcsec: How near to the name's position a galaxy must be, in arcseconds.

    Raises:
        UnknownObjectError: Nobody knows the name, several surveys do, or no galaxy is at its position.
    """
    if name.isdecimal() and int(name) < _ID_END and select(connection, _BY_ID, {"id": int(name)}).rows:
        return int(name)
    survey, colon, identity = name.partition(":")
    rows = select(connection, _OF_SURVEY, {"id": name, "survey": None}).rows
    if not rows and colon:
        rows = select(connection, _OF_SURVEY, {"id": identity, "survey": survey}).rows
    if len(rows) > 1:
        first, second = sorted(str(row[1]) for row in rows)[:2]
        raise UnknownObjectError(f"{name} is in several surveys: write {first}:{name} or {second}:{name}")
    if rows:
        return int(str(rows[0][0]))
    if name.isdecimal():
        raise UnknownObjectError(f"no galaxy has object_id {name}, and no survey such an id of its own")
    ra_deg, dec_deg = _parse_position(name) or _resolve_online(name)
    try:
        return find_galaxy_at(connection, ra_deg, dec_deg, radius_arcsec)
    except UnknownObjectError as error:
        raise UnknownObjectError(f"{name}: {error}") from None


def _parse_position(name: str) -> tuple[float, float] | None:
    """The position that a name such as J100024.1+021530 ends with, or that it is; ICRS degrees."""
    name = normalise_minus(name)
    found = _SEXAGESIMAL.search(name)
    if found is None:
        try:
            return parse_position(name)
        except ValueError as error:
            raise UnknownObjectError(f"{name} holds no position: {error}") from error
    ra, dec = (f"{found[part][:2]}:{found[part][2:4]}:{found[part][4:]}" for part in ("ra", "dec"))
    try:
        ra_deg, dec_deg = Angle(ra, units.hourangle).deg, Angle(found["sign"] + dec, units.deg).deg
    except ValueError as error:
        raise UnknownObjectError(f"{name} holds no position: {error}") from error
    if not (ra_deg < 360 and abs(dec_deg) <= 90):  # noqa: PLR2004 - a turn, and a pole
        raise UnknownObjectError(f"{name} holds no position: ({ra_deg}, {dec_deg}) is nowhere on the sky")
    return float(ra_deg), float(dec_deg)


def _resolve_online(name: str) -> tuple[float, float]:
    try:
        position = SkyCoord.from_name(name)
    except (NameResolveError, OSError) as error:
        reason = str(error).split(". ")[0].split("\n")[0]  # the rest is a list of addresses
        raise UnknownObjectError(
            f"no survey in the catalogue has an id {name!r}, and the name service does not help: {reason}"
        ) from error
    return float(position.ra.deg), float(position.dec.deg)
