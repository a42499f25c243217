"""Small tables of astropy with what only it writes: positions, times, arrays, objects, and CDS' format."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units
from astropy.coordinates import FK5, Galactic, SkyCoord
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.time import Time

_VOTABLE = """<?xml version="1.0"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>
<FIELD name="ra" datatype="double" unit="deg" ucd="pos.eq.ra"><DESCRIPTION>Of the middle</DESCRIPTION></FIELD>
<FIELD name="n" datatype="long" ucd="meta.number"/>
</TABLE></RESOURCE></VOTABLE>"""


def typed_tables() -> dict[str, bytes]:
    """ECSV and Parquet that say the type of each column."""
    there = SkyCoord([10.5, 350.25] * units.deg, [-2.5, 89] * units.deg)
    tables = {
        "fk5_place": QTable({"place": there.transform_to(FK5(equinox="J1975")), "n": [1, 2]}),
        "galactic_place": QTable({"at": there.transform_to(Galactic()), "place": there}),
        "times": QTable({"when": Time(["2020-01-02T03:04:05", "2021-06-07T08:09:10"]), "n": [1, 2]}),
        "quantities": QTable({"ra": [1.5, 2] * units.hourangle, "dec": [30, -30] * units.arcmin}),
        "arrays": Table({"ra": [1.0, 2], "v": [[1, 2], [3, 4]], "t": [["a", "b"], ["c", ""]]}),
        "vectors": Table({"i": [[1, 2], [3, 4]], "f": [[1.5, 2], [3, 4]], "b": [[True], [False]]}),
        "masks": Table(
            {
                "i": MaskedColumn([2**62 + 1, 0], mask=[False, True], unit="ct", description="counted"),
                "u": MaskedColumn(np.array([2**64 - 1, 0], "u8"), mask=[False, True]),
                "f": MaskedColumn([1.5, np.nan], mask=[True, False]),
                "b": MaskedColumn([True, False], mask=[False, True]),
                "t": MaskedColumn(["0266", "x"], mask=[False, True]),
            }
        ),
        "objects": Table(
            {
                "whole": Column([5, None], dtype=object),
                "large": Column([2**64 - 1, 1], dtype=object),
                "mixed": Column([1, 2.5], dtype=object),
                "flag": Column([True, None], dtype=object),
                "text": Column(["a", None], dtype=object),
                "lists": Column([[1, 2], [3]], dtype=object),
                "dicts": Column([{"a": 1}, {}], dtype=object),
            }
        ),
    }
    found = {f"{name}.ecsv": _write(table, "ascii.ecsv") for name, table in tables.items()}
    found["catalogue.mrt"] = _write(_of_cds(), "ascii.mrt")
    described = pa.table({"ra": [1.5, None], "n": [1, 2]}).replace_schema_metadata(
        {"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": _VOTABLE}
    )
    file = io.BytesIO()
    pq.write_table(described, file)
    return found | {"described.parquet": file.getvalue()}


def _of_cds() -> Table:
    table = Table({"Name": ["a b", "c"], "ra": [150.25, 0.5], "dec": [-2.5, 89], "n": [7, -1]})
    table["ra"].unit, table["dec"].unit = "deg", "deg"
    table["n"].description = "How many"
    return table


def _write(table: Table, file_format: str) -> bytes:
    text = io.StringIO()
    table.write(text, format=file_format)
    return text.getvalue().encode()
