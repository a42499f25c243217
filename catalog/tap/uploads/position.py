"""Which columns of an uploaded table are its positions, and whether these are in ICRS."""

from dataclasses import replace

from catalog.columns import ColumnMeta
from catalog.tap.uploads.error import UploadError
from table_files.frame import NEARLY_ICRS
from table_files.positions import DEC_NAMES, RA_NAMES
from table_files.row_table import RowTable


def require_icrs(table: RowTable) -> None:
    """Refuse positions in another frame: a query takes right ascension and declination for ICRS.

    Raises:
        UploadError: The file declares another frame (COOSYS, RADESYS, EQUINOX) of its positions.
    """
    for i in find_position(table.columns):
        if i is None:
            continue
        frame = (table.frames[i] if table.frames else None) or table.frame
        if frame is not None and str(frame) not in NEARLY_ICRS:
            raise UploadError(
                f"column {table.columns[i].name} is in {frame} by its {frame.keyword}, "
                "and queries take it for ICRS: convert it"
            )


def note_frames(table: RowTable) -> RowTable:
    """The same table, whose columns of fractions carry the frame that the file declares, where not ICRS."""
    frames = table.frames or (None,) * len(table.columns)
    columns = []
    for column, own in zip(table.columns, frames, strict=True):
        frame = own or table.frame
        is_other = (
            frame is not None and str(frame) not in NEARLY_ICRS and column.datatype in {"float", "double"}
        )
        columns.append(replace(column, frame=str(frame)) if is_other else column)
    return replace(table, columns=tuple(columns))


def find_position(columns: tuple[ColumnMeta, ...]) -> tuple[int | None, int | None]:
    """Which columns are right ascension and declination, by UCD or else by name."""
    return _find_angle(columns, "pos.eq.ra", RA_NAMES), _find_angle(columns, "pos.eq.dec", DEC_NAMES)


def _find_angle(columns: tuple[ColumnMeta, ...], ucd: str, names: tuple[str, ...]) -> int | None:
    angles = {
        i: column
        for i, column in enumerate(columns)
        if column.datatype in {"float", "double"} and not column.is_array
    }
    for wanted in (f"{ucd};meta.main", ucd):
        for i, column in angles.items():
            if column.ucd.lower() == wanted:
                return i
    by_name = {column.name.lower(): i for i, column in angles.items()}
    return next((by_name[name] for name in names if name in by_name), None)
