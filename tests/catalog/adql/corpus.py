"""The corpus of queries to accept and to refuse, with its imaginary tables and columns as ours."""

import json
import re
from pathlib import Path

UNMAPPED = {
    "udf_gavo": "gavo_normal_random is a function of another server",
}
"""Queries without a meaning here, by their reason."""

_TABLES = {"cat.galaxy": "galcat.galaxy", "cat.star": "TAP_UPLOAD.mine", "cat.tile": "galcat.tile"}
_OF_T = {"a": "mag_r", "b": "mag_g", "c": "shape_r", "i": "healpix29"}
_TEXTS = {"like": {"a": "survey", "b": "tile"}, "unicode_str": {"a": "survey", "b": "tile"}}
_COLUMNS = {"mag": "mag_r", "p_spiral": "has_spiral_arms_yes_fraction", "radius": "petro_th50"}
_PARTS = re.compile(r"'[^']*'|\"[^\"]*\"|[\w.]+|.", re.DOTALL)


def queries(shared_data: Path) -> dict[str, tuple[str, bool]]:
    """Each query as ours by its name, and whether it is valid."""
    found = json.loads((shared_data / "adql_corpus.json").read_text(encoding="utf-8"))
    return {entry["name"]: (_ours(entry["name"], entry["adql"]), entry["valid"]) for entry in found}


def _ours(name: str, query: str) -> str:
    query = _special(name, query)
    columns = dict(_COLUMNS)
    if "cat.t" in re.findall(r"[\w.]+", query):
        columns |= _OF_T | _TEXTS.get(name, {})
    if "cat.star" in query:
        columns |= {"object_id": "object_id"}
    return "".join(_rename_columns(part, columns) for part in _PARTS.findall(query))


def _special(name: str, query: str) -> str:
    """What needs more than other names: columns that only our tables lack."""
    swaps = {
        "delim_ident": ('"Group"', '"survey"'),
        "reserved_as_delim": ('"size" FROM "cat"."galaxy"', '"size" FROM "tap_schema"."columns"'),
        "intersects": ("object_id", "name"),
        "udf_unit_str": ("name,", "survey_source_id,"),
        "udf_in_order": ("'sdss-123'", "{galaxy}"),
        "math": ("ACOS(a),ASIN(a)", "ACOS(a/99),ASIN(a/99)"),
        "natural_join": ("cat.star", "(SELECT object_id FROM cat.galaxy AS h) AS s"),
    }
    if "cat.star" in query and name not in swaps:
        query = query.replace("cat.star AS s", "cat.galaxy AS s")
        query = re.sub(r"cat\.star(?! AS)", "cat.galaxy", query)
    return query.replace(*swaps[name]) if name in swaps else query


def _rename_columns(part: str, columns: dict[str, str]) -> str:
    if part == "cat.t":
        return "galcat.galaxy"
    table, point, column = part.rpartition(".")
    if part in _TABLES:
        return _TABLES[part]
    return f"{table}{point}{columns.get(column, column)}"
