"""The coordinate frame of two columns, by all that their file says of it."""

from collections.abc import Sequence
from dataclasses import replace

from table_files.errors import TableError
from table_files.frame import CoordinateFrame
from table_files.sky.axis import SkyAxis, find_axis
from table_files.table import FileTable, TableColumn

_REMEDY = "name columns in ICRS, FK5, FK4 or galactic coordinates, or convert them to ICRS"
_OF_EQUATORIAL = {"RADESYS", "EQUINOX"}
"""Keywords of FITS that are said of a file's right ascensions, whatever else it has."""


class FrameError(TableError):
    """Two columns are no position that can be converted to ICRS.

    Attributes:
        said: What is wrong, without a remedy.
    """

    def __init__(self, said: str, remedy: str = _REMEDY) -> None:
        super().__init__(f"{said}: {remedy}")
        self.said = said


def find_frame(table: FileTable, ra: str, dec: str) -> CoordinateFrame | None:
    """The frame that the file declares of two of its columns; None where it declares none: ICRS.

    A file declares it by COOSYS, RADESYS or EQUINOX; each column also by its UCD, name or description: GLON
    and GLAT are galactic, RAB1950 is of FK4.

    Args:
        table: The table that has the two columns.
        ra: The column of right ascension, or of longitude.
        dec: The column of declination, or of latitude.

    Raises:
        TableError: It declares one of the one and another of the other, or one that is not converted; or the
            two are no longitude and latitude.
    """
    frames = {table[name].frame for name in (ra, dec)} - {None}
    if len(frames) > 1:
        raise TableError(f"{table.label}: {ra} and {dec} are in different frames (COOSYS)")
    try:
        return _reconcile(table[ra], table[dec], next(iter(frames), table.frame))
    except TableError as error:
        raise TableError(f"{table.label}: {error}") from None


def _reconcile(ra: TableColumn, dec: TableColumn, declared: CoordinateFrame | None) -> CoordinateFrame | None:
    """What the file declares and what the columns say of themselves, as one."""
    pair = f"{ra.name} and {dec.name}"
    is_declared = declared is not None and declared.keyword not in _OF_EQUATORIAL
    axes = [find_axis(column.name, column.ucd, column.description) for column in (ra, dec)]
    own = judge_axes(pair, axes, is_declared=is_declared)
    if own is None or declared is None or str(own) == str(declared):
        return declared or own
    if own.system == "galactic" and not is_declared:
        return own
    raise FrameError(f"{pair} are in {own} by their {own.keyword}, and in {declared} by {declared.keyword}")


def judge_axes(pair: str, axes: Sequence[SkyAxis], *, is_declared: bool = False) -> CoordinateFrame | None:
    """The frame that two columns themselves say; None where they say nothing, or ICRS.

    Args:
        pair: What errors call the two.
        axes: What is known of the column of right ascension or longitude, and of the other.
        is_declared: Whether the file declares a frame of these very columns.

    Raises:
        FrameError: They are of two frames, of one that is not converted, no longitude and latitude, or may
            well be no right ascension and declination.
    """
    by = f"by their {_list_sources(axes)}"
    if axes[0].is_longitude is False or axes[1].is_longitude is True:
        raise FrameError(f"{pair} are latitude and longitude {by}", "name them the other way round")
    systems = [axis.system for axis in axes]
    if not set(systems) - {"", "equatorial"}:
        return _find_equinox(pair, axes)
    if systems[0] != systems[1]:
        names = " and ".join(system or "unknown" for system in systems)
        raise FrameError(f"{pair} are of two frames, {names}, {by}")
    if not all(axis.is_certain for axis in axes):
        if is_declared:
            return None
        names = "rename them GLON and GLAT, or " if systems[0] == "galactic" else ""
        said = f"{pair} may be {systems[0]}, and the table names no frame"
        raise FrameError(said, f"{names}convert them to ICRS and call them RA and DEC")
    if systems[0] != "galactic":
        raise FrameError(f"{pair} are {systems[0]} {by}")
    return CoordinateFrame("galactic", keyword=_list_sources(axes))


def _find_equinox(pair: str, axes: Sequence[SkyAxis]) -> CoordinateFrame | None:
    first, second = (axis.equinox for axis in axes)
    if first is None and second is None:
        return None
    if first is None or second is None or str(first) != str(second):
        said = " and ".join("of none that is said" if one is None else str(one) for one in (first, second))
        raise FrameError(f"{pair} are of two equinoxes by their {_list_sources(axes)}, {said}")
    return replace(first, keyword=_list_sources(axes))


def _list_sources(axes: Sequence[SkyAxis]) -> str:
    """What says it, in the plural of two columns."""
    plurals = {"name": "names", "UCD": "UCDs", "description": "descriptions"}
    sources = {axis.source for axis in axes}
    return " and ".join(plural for source, plural in plurals.items() if source in sources)
