"""The list of functions, and what of it a service declares."""

import re

from catalog.adql.functions.registry import FUNCTIONS, USER_FUNCTIONS
from catalog.adql.grammar.keywords import RESERVED
from tests.catalog.adql.adql_catalogue import AdqlCatalogue

SIGNATURE = re.compile(r"(\w+)\((\w+ [A-Z ]+(\(\*\)|\[\])?(, )?)+\) -> [A-Z ]+(\(\*\))?")
OF_ADQL = """
    ABS ACOS ASIN ATAN ATAN2 CEILING COS COT DEGREES EXP FLOOR LOG LOG10 MOD PI POWER RADIANS RAND ROUND
    SIN SQRT TAN TRUNCATE AREA BOX CENTROID CIRCLE CONTAINS COORD1 COORD2 COORDSYS DISTANCE INTERSECTS
    POINT POLYGON REGION IN_UNIT
"""
OF_SQL = {"NULLIF", "COUNT", "AVG", "SUM", "MIN", "MAX", "COALESCE", "LOWER", "UPPER", "TIMESTAMP"}


def test_what_is_not_of_adql_is_declared_with_a_description() -> None:
    declared = set()
    for function in USER_FUNCTIONS:
        match = SIGNATURE.fullmatch(function.signature)
        assert match, function.signature
        declared.add(match[1].upper())
        assert function.description.endswith(".")
        assert "\n" not in function.description
    assert declared == set(FUNCTIONS) - RESERVED


def test_all_functions_of_adql_are_there() -> None:
    """Sections 2.1.3, 4.2 and 4.3 of ADQL 2.1, and SQL's aggregates; CAST has a syntax of its own."""
    of_adql = RESERVED & set(FUNCTIONS)
    mathematics = (
        "ABS ACOS ASIN ATAN ATAN2 CEILING COS COT DEGREES EXP FLOOR LOG LOG10 MOD PI POWER RADIANS RAND ROUND"
    )
    geometry = (
        "AREA BOX CENTROID CIRCLE CONTAINS COORD1 COORD2 COORDSYS DISTANCE INTERSECTS POINT POLYGON REGION"
    )
    assert of_adql == {
        *mathematics.split(),
        *geometry.split(),
        "SIN",
        "SQRT",
        "TAN",
        "TRUNCATE",
        "IN_UNIT",
        *OF_SQL,
    }


def test_a_functions_name_is_known_in_any_case(catalogue: AdqlCatalogue) -> None:
    assert catalogue.rows("SELECT TOP 1 sqrt(4), Ivo_HasWord('a b', 'B') FROM galcat.galaxy") == [(2.0, 1)]
