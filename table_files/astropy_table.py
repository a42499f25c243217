"""Tables that astropy has read, from files of any other format or by its user."""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy.coordinates import SkyCoord
from astropy.io import ascii as astropy_ascii
from astropy.table import Column, Table

from table_files.arrow.column import convert_arrow_column
from table_files.errors import TableError
from table_files.frame import frame_of_cards
from table_files.table import FileTable, TableColumn, decode_bytes, make_table, pack_values
from table_files.text.cell_types import type_cells

_IPAC_TYPES = r"[\s|]*(int|long|double|float|real|char|date)"
_TYPED = (
    (re.compile(r"^#\s*%ECSV"), "ascii.ecsv"),
    (re.compile(rf"^(\\.*\n)*\|.*\n\|{_IPAC_TYPES}", re.IGNORECASE), "ascii.ipac"),
    (re.compile(r"^Title\s*:.*Byte-by-byte", re.DOTALL | re.IGNORECASE), "ascii.mrt"),
    (re.compile(r"Byte-by-byte Description", re.IGNORECASE), "ascii.cds"),
    (re.compile(r"^#[KNUF]\s"), "ascii.daophot"),
)
"""Text tables that say themselves of which type their columns are."""
_FRAMED = re.compile(r"^\s*\|.*\|\s*\n\s*\|.*\|\s*\n")
"""A text with bars at both ends of its lines, whose kind astropy does not guess."""
_HEAD = 4000


def read_astropy(path: Path, file_format: str | None = None) -> FileTable:
    """Read a file of another format that astropy reads, such as HDF5.

    Args:
        path: Path of the file.
        file_format: The format as astropy calls it; None where astropy is to tell it.

    Raises:
        TableError: It is in none.
    """
    with _refuse_unread(str(path)):
        return from_astropy(Table.read(path, format=file_format), str(path))


def read_text_table(label: str, text: str) -> FileTable:
    """Read a text that says itself of which type its columns are, or whose format astropy guesses.

    Args:
        label: What errors call it.
        text: The whole text.

    Raises:
        TableError: It is in no format that astropy knows.
    """
    with _refuse_unread(label):
        typed = typed_format(text)
        # astropy takes a text without any line end for the name or the address of a file, and opens that
        if typed is None:
            return from_astropy(_read_cells(text + "\n"), label, are_cells=True)
        if typed == "ascii.ipac":
            _refuse_cut_cells(text)
        # a blank line at the end of a CDS table is a row to astropy
        return from_astropy(Table.read(text.rstrip("\r\n") + "\n", format=typed), label)


@contextmanager
def _refuse_unread(label: str) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of units and headers that do not matter here
            yield
    except TableError:
        raise
    except Exception as error:  # noqa: BLE001 - every format raises its own
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        if "guess" in reason or "could not be identified" in reason:
            reason = "it is in no format that astropy knows"
        raise TableError(f"{label} cannot be read as a table: {reason}") from None


def _refuse_cut_cells(text: str) -> None:
    """Refuse an IPAC table with a value beneath a bar, which astropy would cut there without a word."""
    bars: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("|"):
            bars = bars or [at for at, character in enumerate(line) if character == "|"]
        elif not line.startswith("\\") and any(line[at : at + 1].strip() for at in bars):
            raise TableError(
                f"it is no IPAC table: line {number} has a value beneath a bar of its head: "
                "move its values between the bars, or save it as CSV"
            )


def typed_format(text: str) -> str | None:
    """The format of a text that says itself of which type its columns are; None where it does not."""
    return next((name for pattern, name in _TYPED if pattern.search(text[:_HEAD])), None)


def from_astropy(table: Table, label: str, *, are_cells: bool = False) -> FileTable:
    """A table of astropy as ours: times and the like become text, positions two columns in ICRS degrees.

    Args:
        table: The table as astropy has it.
        label: What errors call it.
        are_cells: Whether its columns are cells of a file that has not said their types.
    """
    plain = Table(table)  # quantities become columns with units
    columns: list[TableColumn] = []
    for name in plain.colnames:
        if isinstance(plain[name], SkyCoord):
            columns += _convert_positions(name, plain[name])
        else:
            ucd = str((getattr(plain[name].info, "meta", None) or {}).get("ucd", ""))
            columns.append(replace(_convert(name, plain[name], are_cells=are_cells), ucd=ucd))
    return make_table(label, columns, len(plain), frame_of_cards(_cards(plain.meta)))


def _cards(meta: Mapping[str, object]) -> dict[str, object]:
    """What a table's own notes have as FITS has it, also under the keywords of IPAC, in capital letters."""
    keywords = meta.get("keywords")
    nested = keywords if isinstance(keywords, Mapping) else {}
    own = {key: one.get("value", "") for key, one in nested.items() if isinstance(one, Mapping)}
    cards = {str(key).upper(): str(value).strip("' ") for key, value in {**own, **meta}.items()}
    return {key: cards[key] for key in ("RADESYS", "RADECSYS", "EQUINOX") if key in cards}


def _convert_positions(name: str, positions: SkyCoord) -> list[TableColumn]:
    """Called as astropy calls them in files."""
    there = positions.icrs
    parts = ((f"{name}.ra", there.ra.deg), (f"{name}.dec", there.dec.deg))
    return [
        TableColumn(part, np.ma.filled(values, np.nan), np.isnan(np.ma.filled(values, np.nan)), "deg")
        for part, values in parts
    ]


def _read_cells(text: str) -> Table:
    """A text of a format that astropy guesses, all of its cells as text."""
    as_text = {
        "guess": False,
        "fast_reader": False,
        "converters": {"*": [astropy_ascii.convert_numpy(np.str_)]},
    }
    if _FRAMED.search(text):
        return astropy_ascii.read(text, format="fixed_width", **as_text)
    astropy_ascii.read(text)
    (*_, found) = astropy_ascii.get_read_trace()  # guessing needs the types, which then are read anew
    options = {key: value for key, value in found["kwargs"].items() if key != "fast_reader"}
    reader = options.pop("reader_cls", None) or options.pop("Reader", None)
    if reader is not None:
        options["format"] = reader._format_name.removeprefix("fast_")  # noqa: SLF001 - the only name it has
    return astropy_ascii.read(text, **options, **as_text)


def _convert(name: str, column: Column, *, are_cells: bool) -> TableColumn:
    if not isinstance(column, Column):
        texts = [str(value) for value in column]
        return TableColumn(name, *pack_values(texts, is_text=True))
    unit = "" if column.unit is None else str(column.unit)
    description = column.info.description or ""
    missing = np.asarray(np.ma.getmaskarray(np.ma.asarray(column)))
    values = np.asarray(np.ma.getdata(column))
    if values.ndim > 1 or values.dtype.kind == "O":
        return _convert_objects(name, values, missing, unit, description)
    if values.dtype.kind == "S":
        values = np.array([decode_bytes(value) for value in values.tolist()], dtype=np.str_)
    if are_cells and values.dtype.kind == "U":
        cells = pa.array([None if no else value for value, no in zip(values.tolist(), missing, strict=True)])
        return convert_arrow_column(name, type_cells(cells.cast(pa.string())), unit, description)
    if values.dtype.kind not in "biufU":
        return TableColumn(name, values.astype(str), missing, unit, description)
    native = values.astype(values.dtype.newbyteorder("="))
    if native.dtype.kind == "f":
        missing = missing | np.isnan(native)
    return TableColumn(name, native, missing, unit, description)


def _convert_objects(
    name: str, values: np.ndarray, missing: np.ndarray, unit: str, description: str
) -> TableColumn:
    plain: list[object] = np.ma.MaskedArray(values, missing).tolist() if values.ndim > 1 else values.tolist()
    if values.ndim > 1:
        missing = np.array([cell.all() and cell.size > 0 for cell in missing], dtype=np.bool_)
    given = [None if no else value for value, no in zip(plain, missing.tolist(), strict=True)]
    kinds = {type(value) for value in given if value is not None}
    if kinds <= {str, bytes}:
        texts = [decode_bytes(value) if isinstance(value, bytes) else value for value in given]
        return TableColumn(name, *pack_values(texts, is_text=True), unit, description)
    if kinds <= {int}:
        for dtype in ("i8", "u8"):
            try:
                return TableColumn(name, *pack_values(given, dtype=dtype), unit, description)
            except OverflowError:
                continue
    whole = [value for value in given if isinstance(value, int)]
    if kinds <= {int, float} and all(int(float(value)) == value for value in whole):
        filled = [float("nan") if value is None else value for value in given]
        packed, _ = pack_values(filled, dtype="f8")
        return TableColumn(name, packed, np.isnan(packed), unit, description)
    if kinds <= {bool}:
        return TableColumn(name, *pack_values(given, dtype="?"), unit, description)
    return TableColumn(name, *pack_values(given), unit, description)
