"""A table as HTML, with a picture beside each galaxy: for notebooks, and as a file of its own."""

import base64
from collections.abc import Mapping, Sequence
from html import escape

_CELL = "padding:3px 10px 3px 0;vertical-align:middle;text-align:left;white-space:nowrap"
_PICTURE = (
    '<img src="data:image/jpeg;base64,{data}" width="{width}" height="{width}" alt="galaxy {identity}" '
    'style="border-radius:4px;display:block">'
)
_FILE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 24px auto; max-width: 1500px; padding: 0 16px; }}
pre {{ white-space: pre-wrap; opacity: 0.75; }}
</style>
</head>
<body>
<h1>{title}</h1>
<pre>{text}</pre>
<div style="overflow-x:auto" tabindex="0">{table}</div>
</body>
</html>
"""


def table_html(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    pictures: Mapping[int, bytes],
    n_rows: int | None = None,
    width: int = 64,
) -> str:
    """Write a table; every value is shown as text.

    Args:
        columns: Names of the m columns.
        rows: Values of each row, m plain Python values; None is shown as a dash.
        pictures: JPEG of galaxies, by object_id; they stand first in the rows whose `object_id` they have.
        n_rows: How many rows there are in all, where fewer are shown.
        width: Width and height of a picture, in pixels of the screen.
    """
    place = columns.index("object_id") if "object_id" in columns else None
    draws = place is not None and bool(pictures)
    head = "".join(f'<th scope="col" style="{_CELL}">{escape(name)}</th>' for name in columns)
    body = []
    for row in rows:
        identity = row[place] if place is not None else None
        picture = _picture(identity, pictures, width) if draws else ""
        cells = "".join(f'<td style="{_CELL}">{escape(_text(value))}</td>' for value in row)
        body.append(f"<tr>{picture}{cells}</tr>")
    total = len(rows) if n_rows is None else n_rows
    shown = f"{total:,} rows" if total == len(rows) else f"the first {len(rows):,} of {total:,} rows"
    corner = '<th scope="col"></th>' if draws else ""
    return (
        '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums">'
        f"<thead><tr>{corner}{head}</tr></thead><tbody>{''.join(body)}</tbody></table><p>{shown}</p>"
    )


def page_html(title: str, text: str, table: str) -> str:
    """Write a whole file around a table: it needs nothing but itself.

    Args:
        title: Heading of the page.
        text: What was asked, shown as it is.
        table: The table, as `table_html` wrote it.
    """
    return _FILE.format(title=escape(title), text=escape(text), table=table)


def _picture(identity: object, pictures: Mapping[int, bytes], width: int) -> str:
    jpeg = pictures.get(identity) if isinstance(identity, int) else None
    if jpeg is None:
        return f'<td style="{_CELL}"></td>'
    data = base64.b64encode(jpeg).decode()
    drawn = _PICTURE.format(data=data, width=width, identity=identity)
    return f'<td style="{_CELL}">{drawn}</td>'


def _text(value: object) -> str:
    if value is None:
        return "\u2013"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list) and len(value) > 3:  # noqa: PLR2004 - enough to see that it is a vector
        return f"{len(value)} numbers"
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)
