"""Takes a text of separated values apart into its head, which is names, units and delimiter, and its rows."""

import csv
import io
import re
from dataclasses import dataclass

from table_files.errors import TableError

_SHOWN = 200
_LOOKED_AT, _LINES = 1_000_000, 100
_SEPARATOR = re.compile(rb'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)
_SHORTEST_RULE = 3
"""Dashes of one cell at least, of a line that is a rule under the names and no row without values."""
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class SeparatedText:
    """A text of separated values, taken apart into its head and its rows.

    Attributes:
        names: The names of the columns, without the blanks around them; empty where a column has no name.
        body: The bytes of all rows, in UTF-8, without comments.
        delimiter: The character between cells.
        units: The units of the columns, where a line between the names and one of dashes says them, as VizieR
            writes it; empty where none does.
    """

    names: tuple[str, ...]
    body: bytes
    delimiter: str
    units: tuple[str, ...] = ()


def split_head(content: bytes, delimiter: str | None) -> SeparatedText:
    """Take the head of a text of separated values from its rows, and comments from both.

    Raises:
        TableError: The text is not in UTF-8, it has no head, or a line may be both a comment and a row.
    """
    content = content.removeprefix(_BOM)
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise TableError(f"it is no table of separated values: it is not in UTF-8: {error}") from None
    declared = _SEPARATOR.match(content)
    if declared is not None:  # the line by which Excel is told
        delimiter, content = declared[1].decode(), content[declared.end() :]
    comments, head, body = _split_lines(_drop_blank_end(content))
    if not head.strip():
        raise TableError("it is no table of separated values: it has no line")
    delimiter = delimiter or _find_delimiter(head)
    names = _cells(head, delimiter)
    if len(names) == 1:
        _refuse_other_delimiters(names[0], body)
    commented = _cells(comments[-1].strip().lstrip("#"), delimiter) if comments else []
    if len(names) > 1 and len(commented) == len(names) and not any(map(_is_number, commented)):
        if any(map(_is_number, names)):  # which no name is: the names stand in the last comment
            names, body = commented, b"".join((head.encode(), b"\n", body))
        elif not any(" " in cell.strip() for cell in commented):
            raise TableError(
                f"both {comments[-1].strip()[:_SHOWN]!r} and the line behind it may name the columns: "
                "take the # out, or the line"
            )
    units, body = _take_units(_drop_comments(body, names, delimiter), len(names), delimiter)
    return SeparatedText(tuple(name.strip() for name in names), body, delimiter, units)


def _take_units(body: bytes, n_names: int, delimiter: str) -> tuple[tuple[str, ...], bytes]:
    """The units that stand between the names and a line of dashes, and the rows behind it."""
    lines = body.split(b"\n", 2)
    for n, line in enumerate(lines[:2], 1):
        dashes = [cell.strip() for cell in _cells(line.decode().rstrip("\r"), delimiter)]
        is_rule = n_names > 1 and len(dashes) == n_names and all(set(cell) == {"-"} for cell in dashes)
        if is_rule and max(map(len, dashes)) >= _SHORTEST_RULE:
            units = _cells(lines[0].decode().rstrip("\r"), delimiter) if n > 1 else []
            if not units or len(units) == n_names:
                return tuple(unit.strip() for unit in units), b"\n".join(lines[n:])
    return (), body


def _split_lines(content: bytes) -> tuple[list[str], str, bytes]:
    """The comments at the top, the line with the names, and what follows it."""
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    comments: list[str] = []
    head, at, is_within_quotes = b"", 0, False
    for line in io.BytesIO(content):
        at += len(line)
        if not head and line.startswith(b"#"):
            comments.append(line.decode())
            continue
        if not head and not line.strip():
            continue
        head += line
        is_within_quotes ^= line.count(b'"') % 2 == 1
        if not is_within_quotes:
            break
    return comments, head.decode().rstrip("\r\n"), content[at:]


def _drop_blank_end(content: bytes) -> bytes:
    """The text without lines of blanks at its end, which are no rows."""
    last = content.rstrip(b"\r\n").rpartition(b"\n")[2]
    return content if last.strip(b" ") else content.rstrip(b" \r\n") + b"\n"


def _drop_comments(body: bytes, names: list[str], delimiter: str) -> bytes:
    if not body.startswith(b"#") and b"\n#" not in body:
        return body
    kept, is_within_quotes = [], False
    for line in io.BytesIO(body):
        if not is_within_quotes and line.startswith(b"#"):
            if len(_cells(line.decode(), delimiter)) == len(names):
                shown = line.decode().strip()[:_SHOWN]
                raise TableError(
                    f"the line {shown!r} begins with # and has as many cells as the first line: put its "
                    "first cell in quotes if it is a row, and take it out if it is a comment"
                )
            continue
        is_within_quotes ^= line.count(b'"') % 2 == 1
        kept.append(line)
    return b"".join(kept)


def _refuse_other_delimiters(head: str, body: bytes) -> None:
    """Refuse columns in blanks or bars, which would be one column of whole lines."""
    lines = [head, *body[:_LOOKED_AT].decode(errors="replace").splitlines()[:_LINES]]
    for what, delimiter in (("blanks", None), ("bars", "|")):
        counts = {len(line.split(delimiter)) for line in lines if line.strip()}
        if len(lines) > 1 and len(counts) == 1 and counts.pop() > 1 and '"' not in head:
            raise TableError(
                f"it is no table of separated values: its cells seem to be parted by {what}: "
                "part them by commas or tabs, or put quotes around the name of its only column"
            )


def _find_delimiter(head: str) -> str:
    """Which of tab, comma and semicolon parts the first line into most cells; a comma where none does."""
    return max((",", "\t", ";"), key=lambda one: len(_cells(head, one)))


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [""])
    except csv.Error as error:
        raise TableError(f"it is no table of separated values: {error}") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
