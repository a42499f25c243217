"""A VOTable 1.4 around its rows, or an error (DALI 1.1, section 4.4): fields before rows, how it went after.

Version 1.5 differs in nothing that is written here, and older validators do not know it.
"""

import re
from collections.abc import Sequence

from catalog.columns import ColumnMeta
from catalog.formats.writer import Ending, Heading
from catalog.formats.xml import attributes, content, quote

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
)
_LINKS = "ivo://ivoa.net/std/DataLink#links-1.0"


def before_rows(columns: Sequence[ColumnMeta], heading: Heading) -> str:
    """Write all that stands before DATA."""
    query = {"QUERY": heading.query} if heading.query else {}
    infos = "".join(info(name, value) for name, value in {**query, **heading.info}.items())
    return f'{HEAD}<RESOURCE type="results">\n{info("QUERY_STATUS", "OK")}{infos}<TABLE>\n{fields(columns)}'


def after_rows(columns: Sequence[ColumnMeta], heading: Heading, ending: Ending) -> str:
    """Write all that stands behind DATA; how the answer ended is said there, where it is known."""
    status = ""
    if ending.error:
        status = info("QUERY_STATUS", "ERROR", ending.error)
    elif ending.is_cut:
        status = info("QUERY_STATUS", "OVERFLOW")
    return f"</TABLE>\n{status}</RESOURCE>\n{_service_descriptor(columns, heading)}</VOTABLE>\n"


def votable_error(message: str, **infos: str) -> bytes:
    """Write a document with QUERY_STATUS = ERROR (DALI 1.1, section 4.4.2).

    Args:
        message: One line that says to the user what is wrong.
        infos: Names and values of further INFO elements.
    """
    others = "".join(info(name, value) for name, value in infos.items())
    status = info("QUERY_STATUS", "ERROR", message)
    return f'{HEAD}<RESOURCE type="results">\n{status}{others}</RESOURCE>\n</VOTABLE>\n'.encode()


def info(name: str, value: str, text: str = "") -> str:
    """Write an INFO element on a line of its own."""
    start = f"<INFO name={quote(name)} value={quote(value)}"
    return f"{start}>{content(text)}</INFO>\n" if text else f"{start}/>\n"


def fields(columns: Sequence[ColumnMeta]) -> str:
    """Write a FIELD for each column; text is of no fixed length."""
    return "".join(
        f"<FIELD{attributes(ID=field_id, **_describe(column))}>"
        f"<DESCRIPTION>{content(column.description)}</DESCRIPTION></FIELD>\n"
        if column.description
        else f"<FIELD{attributes(ID=field_id, **_describe(column))}/>\n"
        for field_id, column in zip(field_ids(columns), columns, strict=True)
    )


def field_ids(columns: Sequence[ColumnMeta]) -> list[str]:
    """Make XML's IDs: the columns' own names where valid and unique, since readers may show them."""
    ids: list[str] = []
    for column in columns:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", column.name)
        stem = name if re.match(r"[A-Za-z_]", name) else f"_{name}"
        taken, unique, i = set(ids), stem, 1
        while unique in taken:
            i += 1
            unique = f"{stem}_{i}"
        ids.append(unique)
    return ids


def _describe(column: ColumnMeta) -> dict[str, str]:
    return {
        "name": column.name,
        "datatype": column.datatype,
        "arraysize": _arraysize(column),
        "xtype": column.xtype,
        "unit": column.unit,
        "ucd": column.ucd,
        "utype": column.utype,
    }


def _arraysize(column: ColumnMeta) -> str:
    return "*" if column.is_text and not column.arraysize.endswith("*") else column.arraysize


def _service_descriptor(columns: Sequence[ColumnMeta], heading: Heading) -> str:
    names = [column.name for column in columns]
    if heading.links is None or heading.links[1] not in names:
        return ""
    url, name = heading.links
    text = 'datatype="char" arraysize="*"'
    ref = field_ids(columns)[names.index(name)]
    return (
        '<RESOURCE type="meta" utype="adhoc:service">\n'
        f'<PARAM name="standardID" {text} value="{_LINKS}"/>\n'
        f'<PARAM name="accessURL" {text}{attributes(value=url)}/>\n'
        f'<GROUP name="inputParams">\n<PARAM name="ID" {text} value="" ref="{ref}"/>\n</GROUP>\n</RESOURCE>\n'
    )
