"""IN_UNIT takes units and nothing that only looks like them."""

from dataclasses import replace

import pytest

from catalog.adql.errors import AdqlError
from catalog.adql.functions.units import parse_unit
from catalog.adql.published import PublishedColumn, PublishedTable
from catalog.adql.translate import translate
from catalog.columns import ColumnMeta
from tests.catalog.adql.adql_catalogue import AdqlCatalogue
from tests.catalog.adql.small_published import AdqlTranslator

UNFIT = (
    "10**999 rad",  # small enough to answer at once even where it is let through
    "rad**999",
    "2**99",
    "10**3",
    "10**3 10**3 m",
    "(10**99)**99 m",
    "1e99 m",
    "deg**(1/2)",
    'zzz"((',
    "'own'",
    "rad.",
    "m m",
    ".".join(["m"] * 26),
    "",
)


@pytest.mark.parametrize("unit", UNFIT)
def test_what_is_no_unit_is_refused_before_it_is_reckoned_with(translator: AdqlTranslator, unit: str) -> None:
    with pytest.raises(ValueError, match=r"is no unit of VOUnits"):
        parse_unit(unit)
    written = unit.replace("'", "''")
    with pytest.raises(AdqlError, match=r"line 1, column 20: .*(is no unit of VOUnits|without a unit)"):
        translator.translated(f"SELECT IN_UNIT(ra, '{written}') FROM galcat.galaxy")


@pytest.mark.parametrize("unit", [*filter(None, UNFIT), "parrot"])
def test_nor_is_it_read_from_an_uploaded_column(catalogue: AdqlCatalogue, unit: str) -> None:
    column = PublishedColumn(ColumnMeta("x", "double", unit=unit), "x")
    table = PublishedTable("TAP_UPLOAD", "bad", ("tap_upload", "u9"), (column,), rows=1)
    published = replace(catalogue.published, tables=(*catalogue.published.tables, table))
    with pytest.raises(AdqlError, match=r"line 1, column 16: .*is no unit of VOUnits"):
        translate("SELECT IN_UNIT(x, 'rad') FROM TAP_UPLOAD.bad", published)


@pytest.mark.parametrize(
    ("unit", "radians"),
    [("rad", 1), ("10**-3rad", 1e-3), ("mrad", 1e-3), ("10**+2 rad", 100), ("m.rad/m", 1), ("%", None)],
)
def test_units_are_read_with_powers_and_a_scale(unit: str, radians: float | None) -> None:
    if radians is None:
        with pytest.raises(ValueError, match=r"is no unit of VOUnits"):
            parse_unit(unit)
    else:
        assert parse_unit(unit).to(parse_unit("rad")) == pytest.approx(radians)


def test_a_factor_beyond_double_precision_is_an_error(translator: AdqlTranslator) -> None:
    with pytest.raises(AdqlError, match=r"deg cannot be given in|is no unit of VOUnits"):
        translator.translated("SELECT IN_UNIT(ra, 'rad.Ym**99/m**99') FROM galcat.galaxy")
