"""Which columns of a table are positions, and these in ICRS degrees."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from table_files.angle import column_to_degrees, is_angle
from table_files.errors import TableError
from table_files.frame import NEARLY_ICRS, CoordinateFrame, convert_to_icrs
from table_files.sky.axis import find_axis
from table_files.sky.column_frame import find_frame
from table_files.table import FileTable, TableColumn

RA_NAMES = (
    "ra", "raj2000", "_raj2000", "_ra", "ra_icrs", "_ra_icrs", "_ra.icrs", "ra_deg", "radeg", "ra_j2000",
    "alpha_j2000", "alphawin_j2000", "right_ascension", "rightascension",
)  # fmt: skip
"""Usual names of right ascension in small letters, the likeliest first."""
DEC_NAMES = (
    "dec", "dej2000", "decj2000", "_dej2000", "_de", "_dec", "de", "de_icrs", "dec_icrs", "_de_icrs",
    "_de.icrs", "dec_deg", "dedeg", "decdeg", "de_deg", "dec_j2000", "delta_j2000", "deltawin_j2000",
    "declination",
)  # fmt: skip
"""Usual names of declination in small letters, the likeliest first."""
_SPELLINGS = {
    "raj2000": "RAJ2000", "_raj2000": "_RAJ2000", "_ra": "_RA", "ra_icrs": "RA_ICRS", "radeg": "RAdeg",
    "_ra_icrs": "_RA_icrs", "alpha_j2000": "ALPHA_J2000", "alphawin_j2000": "ALPHAWIN_J2000",
    "dej2000": "DEJ2000", "decj2000": "DECJ2000", "_dej2000": "_DEJ2000", "_de": "_DE", "de_icrs": "DE_ICRS",
    "_de_icrs": "_DE_icrs", "dedeg": "DEdeg",
    "delta_j2000": "DELTA_J2000", "deltawin_j2000": "DELTAWIN_J2000",
}  # fmt: skip
"""How those are spelled who have capital letters: two columns that differ in case are told by this."""
_RA_PARTS = ("RAh", "RAm", "RAs")
_DEC_PARTS = ("DE-", "DEd", "DEm", "DEs")


@dataclass(frozen=True, eq=False)
class SkyPositions:
    """Positions of the rows of a table.

    Attributes:
        ra_name: The column of right ascension; the parts where it is in several.
        dec_name: The column of declination; the parts where it is in several.
        ra_deg: (n,) ICRS; NaN where a row has none.
        dec_deg: ICRS declinations in degrees, (n,).
        note: From which frame they were converted, one line; empty where they were not.
    """

    ra_name: str
    dec_name: str
    ra_deg: NDArray[np.float64]
    dec_deg: NDArray[np.float64]
    note: str = ""


def has_positions(names: Sequence[str]) -> bool:
    """Whether columns of these names have positions among them, by the usual names."""
    is_equatorial = _has_usual(names, RA_NAMES) and _has_usual(names, DEC_NAMES)
    return is_equatorial or set(_RA_PARTS) <= set(names) or bool(_find_galactic(names))


def read_positions(table: FileTable, ra: str | None = None, dec: str | None = None) -> SkyPositions:
    """The positions of a table in ICRS degrees.

    Args:
        table: The table that holds the positions.
        ra: The column of right ascension; None for the first of the usual names.
        dec: The column of declination; None for the first of the usual names.

    Raises:
        TableError: A column is missing, holds no angles, or the frame is none that is known.
    """
    names = list(table.columns)
    has_parts = set(_RA_PARTS) <= set(names)
    if ra is None and dec is None and not _has_usual(names, RA_NAMES):
        if has_parts:
            return _join_parts(table)
        if galactic := _find_galactic(names):
            ra, dec = galactic
    if has_parts and (part := next((one for one in (ra, dec) if one in {*_RA_PARTS, *_DEC_PARTS}), None)):
        raise TableError(
            f"{table.label}: {part} is a part of a position: leave out --ra and --dec to have all read"
        )
    ra_name = find_column(table, ra, RA_NAMES, "right ascension")
    dec_name = find_column(table, dec, DEC_NAMES, "declination")
    frame = find_frame(table, ra_name, dec_name)
    ra_deg = column_to_degrees(table[ra_name], is_ra=frame is None or frame.system != "galactic")
    dec_deg = column_to_degrees(table[dec_name], is_ra=False)
    converted = convert_to_icrs(ra_deg, dec_deg, frame)
    return SkyPositions(ra_name, dec_name, *converted, describe_conversion(ra_name, dec_name, frame))


def describe_conversion(ra_name: str, dec_name: str, frame: CoordinateFrame | None) -> str:
    """One line that says from which frame two columns are converted; empty where they are not, or hardly.

    FK5 of J2000 is within 0.03 arcsec of ICRS.
    """
    if frame is None or str(frame) in NEARLY_ICRS:
        return ""
    by = f"their {frame.keyword}" if frame.keyword not in {"COOSYS", "RADESYS", "EQUINOX"} else frame.keyword
    return f"{ra_name} and {dec_name} were converted from {frame} to ICRS, by {by}"


def find_column(table: FileTable, requested: str | None, usual: Sequence[str], content: str) -> str:
    """The name of a column: the one that is wanted, or the first that is called as usual.

    Args:
        table: The table whose columns are searched.
        requested: The name that somebody gave; None for the usual names.
        usual: The usual names in small letters.
        content: What the column holds, for errors.

    Raises:
        TableError: There is none, or two have such a name and differ in case only.
    """
    there = ", ".join(table.columns)
    if requested is not None:
        if requested not in table.columns:
            raise TableError(f"{table.label} has no column {requested!r}, only {there}")
        return requested
    for spelled in (str.lower, _bare):  # the part of a position comes after columns of that very name
        for name in usual:
            same = [column for column in table.columns if spelled(column) == name]
            exact = [column for column in same if column in {name, _SPELLINGS.get(name, name)}]
            if len(same) == 1 or len(exact) == 1:
                return (exact or same)[0]
            if same:
                either = " and ".join(same)
                how = (
                    "differ in case only" if len({one.lower() for one in same}) == 1 else "may both be meant"
                )
                raise TableError(
                    f"{table.label}: {either} {how}: say by --ra and --dec which is the {content}"
                )
    if by_ucd := _find_by_ucd(table, is_ra=usual is RA_NAMES):
        return by_ucd
    nameless = "; its first line was taken for their names" if any(map(is_angle, table.columns)) else ""
    raise TableError(
        f"{table.label}: no column is called as {content} usually is; say which of {there} it is, "
        f"by --ra and --dec{nameless}"
    )


def _find_galactic(names: Sequence[str]) -> tuple[str, str] | None:
    """The columns of galactic longitude and latitude, such as GLON and GLAT; None where not one of each."""
    found = {True: list[str](), False: list[str]()}
    for name in names:
        axis = find_axis(name)
        if axis.system == "galactic" and axis.is_certain and axis.is_longitude is not None:
            found[axis.is_longitude].append(name)
    return (found[True][0], found[False][0]) if len(found[True]) == len(found[False]) == 1 else None


def _bare(name: str) -> str:
    """A name in small letters; of a position's part as astropy calls it, such as place.ra, the part alone."""
    place, dot, part = name.lower().rpartition(".")
    return part if dot and place and part in {"ra", "dec"} else name.lower()


def _find_by_ucd(table: FileTable, *, is_ra: bool) -> str:
    """The main column of right ascension or declination by its UCD, or the only one; empty where none is."""
    wanted = "pos.eq.ra" if is_ra else "pos.eq.dec"
    found = [column for column in table.columns.values() if column.ucd.lower().startswith(wanted)]
    main = [column for column in found if "meta.main" in column.ucd.lower()]
    return next((group[0].name for group in (main, found) if len(group) == 1), "")


def _has_usual(names: Sequence[str], usual: Sequence[str]) -> bool:
    return not {_bare(name) for name in names}.isdisjoint(usual)


def _join_parts(table: FileTable) -> SkyPositions:
    """Positions in CDS' columns of hours, minutes and seconds."""
    hours = _sum_parts([table[name] for name in _RA_PARTS])
    degrees = _sum_parts([table[name] for name in _DEC_PARTS[1:] if name in table.columns])
    sign = table[_DEC_PARTS[0]].to_list() if _DEC_PARTS[0] in table.columns else ["+"] * table.n_rows
    is_south = np.array([str(one or "+").strip() in {"-", "\u2212"} for one in sign], dtype=np.bool_)
    dec_deg = np.where(is_south, -degrees, degrees)
    frame = find_frame(table, _RA_PARTS[0], _DEC_PARTS[1]) if _DEC_PARTS[1] in table.columns else table.frame
    ra_name, dec_name = " ".join(_RA_PARTS), " ".join(_DEC_PARTS)
    converted = convert_to_icrs(hours * 15, dec_deg, frame)
    return SkyPositions(ra_name, dec_name, *converted, describe_conversion(ra_name, dec_name, frame))


def _sum_parts(parts: Sequence[TableColumn]) -> NDArray[np.float64]:
    total = np.zeros(len(parts[0].values))
    for i, part in enumerate(parts):
        try:
            values = part.to_masked().data.astype(np.float64)
        except ValueError:
            raise TableError(f"column {part.name} holds no numbers") from None
        total += np.where(part.missing, np.nan, values) / 60**i
    return total
