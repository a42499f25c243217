"""A selection as queries: the ADQL that the page itself asks, and the SQL and Python that give the same."""

import json
from collections.abc import Sequence
from dataclasses import replace

from catalog.tap.errors import UsageError
from catalog.web.selection import Range, Selection

USUAL = ("mag_r",)
LIKENESS, SEPARATION = "unlikeness", "separation"


def write_adql(selection: Selection, *, columns: Sequence[str] | None = None, top: int | None = -1) -> str:
    """The selection in ADQL.

    Args:
        selection: What is selected; a lasso must have been turned into object_ids.
        columns: Columns to select; None for those that the wall shows.
        top: How many rows; None for all of them, which likeness cannot give; -1 for as many as are shown.
    """
    if top == -1 or (top is None and selection.is_by_likeness):
        top = selection.n
    parts = list(columns if columns is not None else wall_columns(selection))
    distance = _adql_distance(selection)
    if distance:
        parts.append(f"{distance} AS {LIKENESS}")
    if selection.place is not None:
        parts.append(f"DISTANCE(POINT(ra, dec), {_point(selection)}) AS {SEPARATION}")
    lines = [f"SELECT {'' if top is None else f'TOP {top} '}{', '.join(parts)}", "FROM galcat.galaxy"]
    if conditions := _conditions(selection):
        lines.append("WHERE " + "\n  AND ".join(conditions))
    return "\n".join([*lines, f"ORDER BY {_sorting(selection)}"])


def write_sql(selection: Selection) -> str:
    """The same for `galcat sql` and psql."""
    parts = list(wall_columns(selection))
    likeness = ""
    if selection.vector:
        numbers = ",".join(f"{number:.6g}" for number in selection.vector)
        likeness = f"search <-> '[{numbers}]'::halfvec"
    elif selection.like:
        away = f", ARRAY{list(selection.unlike)}::bigint[]" if selection.unlike else ""
        likeness = f"search <-> (SELECT galcat.vector_of_many(ARRAY{list(selection.like)}::bigint[]{away}))"
    if likeness:
        parts.append(f"{likeness} AS {LIKENESS}")
    conditions = _conditions(replace(selection, place=None))
    if place := selection.place:
        centre = f"ra, dec, {place.ra_deg:.10g}, {place.dec_deg:.10g}"
        parts.append(f"galcat.sky_distance({centre}) AS {SEPARATION}")
        conditions.insert(0, f"galcat.cone({centre}, {place.radius_deg:.10g})")
    lines = [f"SELECT {', '.join(parts)}", "FROM galcat.galaxy"]
    if conditions:
        lines.append("WHERE " + "\n  AND ".join(conditions))
    return "\n".join([*lines, f"ORDER BY {_sorting(selection)}", f"LIMIT {selection.n}"])


def write_pyvo(selection: Selection, tap_url: str) -> str:
    """The same in Python, by pyvo."""
    adql = write_adql(selection)
    quoted = f'"""\n{adql}\n"""' if '"""' not in adql and "\\" not in adql else json.dumps(adql)
    service = f'service = pyvo.dal.TAPService("{tap_url}")'
    return f"import pyvo\n\n{service}\ntable = service.search({quoted}).to_table()"


def wall_columns(selection: Selection) -> tuple[str, ...]:
    """The columns that a wall shows of each galaxy."""
    sorted_by = selection.order.removeprefix("-")
    wanted = ("object_id", "ra", "dec", *USUAL, *selection.shown, sorted_by)
    return tuple(dict.fromkeys(name for name in wanted if name))


def require_whole(condition: str) -> str:
    """A condition as it was typed, if its brackets and quotes are closed by itself.

    Raises:
        UsageError: A bracket or a quote is open, or is closed before it was opened.
    """
    depth, quote = 0, ""
    for character in condition:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            break
    if quote or depth:
        what = f"the quote {quote} is not closed" if quote else "a bracket is open, or closed too often"
        raise UsageError(f"the condition is not whole: {what}")
    return condition


def _adql_distance(selection: Selection) -> str:
    if selection.vector:
        numbers = ", ".join(f"{number:.7f}" for number in selection.vector)
        return f"morph_distance(object_id, {numbers})"
    if not selection.like:
        return ""
    examples = [str(one) for one in selection.like] + [f"-{one}" for one in selection.unlike]
    return f"morph_distance(object_id, {', '.join(examples)})"


def _point(selection: Selection) -> str:
    place = selection.place
    return "" if place is None else f"POINT({place.ra_deg:.10g}, {place.dec_deg:.10g})"


def _conditions(selection: Selection) -> list[str]:
    conditions = []
    if place := selection.place:
        circle = f"CIRCLE({place.ra_deg:.10g}, {place.dec_deg:.10g}, {place.radius_deg:.10g})"
        conditions.append(f"1 = CONTAINS(POINT(ra, dec), {circle})")
    conditions += [_range(one) for one in selection.ranges]
    if selection.where:
        # A comment at its end must not swallow the bracket.
        conditions.append(f"({require_whole(selection.where)}{_end(selection.where)})")
    if selection.ids:
        conditions.append(f"object_id IN ({', '.join(map(str, selection.ids))})")
    return conditions


def _end(condition: str) -> str:
    return "\n" if "--" in condition else ""


def _range(one: Range) -> str:
    if one.lowest is None:
        return f"{one.column} <= {one.highest:.15g}"
    if one.highest is None:
        return f"{one.column} >= {one.lowest:.15g}"
    return f"{one.column} BETWEEN {one.lowest:.15g} AND {one.highest:.15g}"


def _sorting(selection: Selection) -> str:
    if selection.order:
        name = selection.order.removeprefix("-")
        # Postgres puts NULL above every number, which would show the galaxies without a value first.
        last = f"CASE WHEN {name} IS NULL THEN 1 ELSE 0 END"
        return f"{last}, {name} DESC" if selection.order.startswith("-") else name
    if selection.is_by_likeness:
        return LIKENESS
    return SEPARATION if selection.place is not None else "mag_r"
