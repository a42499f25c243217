"""Reads the tables of text of a FITS file (ASCII tables, FITS 4.0, section 7.2)."""

import io
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from astropy.io import fits

from table_files.errors import TableError
from table_files.fits.column import column_name
from table_files.frame import frame_of_cards
from table_files.table import FileTable, TableColumn, decode_bytes, make_table, pack_values

_FORM = re.compile(r"([AIFED])(\d+)(?:\.(\d+))?")


def read_text_tables(content: bytes) -> list[tuple[str, FileTable]]:
    """Read the tables of text of a file: the name of each and the table.

    A blank cell, and one that TNULL names, has no value.

    Args:
        content: The bytes of the file; what is wrong with it astropy says: see `refuse_damage`.

    Raises:
        TableError: A table ends before its last row, or a cell is none of its column's type.
    """
    if b"XTENSION= 'TABLE" not in content:
        return []
    with fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
        found = [
            (number, hdu.header, hdu.fileinfo()["datLoc"], frame_of_cards(hdu.header, hdus[0].header))
            for number, hdu in enumerate(hdus)
            if hdu.header.get("XTENSION") == "TABLE"
        ]
    return [
        (
            str(header.get("EXTNAME", "")),
            replace(_read_table(content, header, start, f"HDU {number}"), frame=frame),
        )
        for number, header, start, frame in found
    ]


def _read_table(content: bytes, header: fits.Header, start: int, label: str) -> FileTable:
    width, n_rows = int(header["NAXIS1"]), int(header["NAXIS2"])
    if len(content) < start + width * n_rows:
        raise TableError(f"truncated, {len(content)} of {start + width * n_rows} bytes")
    rows = [content[start + i * width : start + (i + 1) * width] for i in range(n_rows)]
    columns = [
        replace(
            _read_column(header, i, rows),
            description=str(header.get(f"TCOMM{i}", "")),
            ucd=str(header.get(f"TUCD{i}", "")),
        )
        for i in range(1, int(header["TFIELDS"]) + 1)
    ]
    return make_table(label, columns, n_rows, None)


def _read_column(header: fits.Header, i: int, rows: list[bytes]) -> TableColumn:
    name, form = column_name(header, i), str(header.get(f"TFORM{i}", "")).strip()
    found = _FORM.fullmatch(form)
    if found is None:
        raise TableError(f"column {name} has the form {form or 'nothing'}, which no table of text has")
    first, width = int(header[f"TBCOL{i}"]) - 1, int(found[2])
    null = str(header.get(f"TNULL{i}", "")).strip()
    cells = [decode_bytes(row[first : first + width]).strip() for row in rows]
    texts = [None if not cell or (null and cell == null) else cell for cell in cells]
    unit = str(header.get(f"TUNIT{i}", ""))
    if found[1] == "A":
        return TableColumn(name, *pack_values(texts, is_text=True), unit)
    scale, zero = header.get(f"TSCAL{i}", 1), header.get(f"TZERO{i}", 0)
    parse = int if found[1] == "I" else _parser(int(found[3] or 0))
    numbers = [_number(name, row, text, parse) for row, text in enumerate(texts, 1)]
    if found[1] == "I" and scale == 1 and float(zero).is_integer():
        whole = [None if number is None else int(number) + int(zero) for number in numbers]
        try:
            return TableColumn(name, *pack_values(whole, dtype="i8"), unit)
        except OverflowError:
            raise TableError(f"column {name} has a whole number of more than 64 bits") from None
    values, missing = pack_values([None if n is None else n * scale + zero for n in numbers], dtype="f8")
    return TableColumn(name, values, missing | np.isnan(values), unit)


def _parser(n_decimals: int) -> Callable[[str], float]:
    """Reads Fortran's fractions; without a point the last decimals stand behind it."""

    def parse(text: str) -> float:
        value = float(text.upper().replace("D", "E"))
        is_implied = n_decimals and re.fullmatch(r"[+-]?\d+", text)
        return value / 10**n_decimals if is_implied else value

    return parse


def _number(name: str, row: int, text: str | None, parse: Callable[[str], float]) -> float | None:
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError:
        raise TableError(f"column {name}, row {row}: {text[:50]!r} is no number") from None
