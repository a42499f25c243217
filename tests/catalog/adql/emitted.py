"""What SQL names, read without a parser: nothing but what is on the lists may be there."""

import re

from catalog.adql.published import Published
from catalog.adql.translation import Translation

_WORDS = """
    SELECT DISTINCT FROM WHERE GROUP BY HAVING ORDER DESC LIMIT OFFSET WITH AS ON AND OR NOT IN IS NULL
    LIKE ILIKE ESCAPE EXISTS ANY ARRAY CASE WHEN THEN ELSE END JOIN LEFT RIGHT FULL CROSS UNION EXCEPT
    INTERSECT ALL TRUE FALSE COALESCE NULLIF LEAST GREATEST OPERATOR integer bigint smallint real double
    precision text character varying boolean timestamp numeric u v
"""
_FUNCTIONS = """
    abs acos asin atan atan2 avg ceil cos cot count degrees exp floor ln log lower max min mod pi power
    radians random round sign sin sqrt string_agg sum tan trunc upper
"""
_CATALOGUE_FUNCTIONS = """
    box_polygon circle_area circle_in_circle circle_in_polygon circle_meets_circle circle_meets_polygon
    cone fraction_quantile healpix_of in_polygon is_between join_texts mod polygon_area polygon_centroid
    on_plane polygon_cone polygon_on_plane polygon_in_circle polygon_in_polygon polygon_meets_polygon
    region_of search_vector short_text sky_distance vector_of
"""
WORDS = frozenset(_WORDS.split())
FUNCTIONS = frozenset(_FUNCTIONS.split())
CATALOGUE_FUNCTIONS = frozenset(_CATALOGUE_FUNCTIONS.split())
OPERATORS = frozenset({"OPERATOR(public.<->)", "OPERATOR(pg_catalog.<@)", "OPERATOR(pg_catalog.~*)"})
_TOKENS = re.compile(
    r"""
    (?P<operator>OPERATOR\([^)]*\)) | (?P<quoted>"(?:[^"]|"")*"(?:\."(?:[^"]|"")*")*)
    | (?P<placeholder>%\(\w+\)s) | (?P<text>ESCAPE\ '') | (?P<call>[a-zA-Z_]\w*\.[a-zA-Z_]\w*(?=\())
    | (?P<star>\bu\.\*) | (?P<word>[a-zA-Z_]\w*) | (?P<number>\d+(?:\.\d+)?) | (?P<sign>\S)
    """,
    re.VERBOSE,
)
_NAME = re.compile(r'"(?:[^"]|"")*"')
_OURS = re.compile(r'"[twc]\d+"|"a vector \d+"|"[uv]"')
_SIGNS = frozenset("(),*=<>+-/|:[]")


def strangers(translation: Translation, published: Published) -> list[str]:
    """All in the SQL that is not on the lists."""
    pieces = [translation.query]
    for search in translation.searches:
        pieces += [search.vector, *([search.condition] if search.condition is not None else [])]
    known = _known_names(published)
    return [
        match.group()
        for piece in pieces
        for match in _TOKENS.finditer(piece.as_string(None))
        if not _is_known(match.lastgroup or "", match.group(), known)
    ]


def _known_names(published: Published) -> set[str]:
    """Relations with their schema, and columns without."""
    relations = {f'"{schema}"."{name}"' for schema, name in (table.relation for table in published.tables)}
    columns = {f'"{column.stored_as}"' for table in published.tables for column in table.columns}
    return relations | columns | {f'"{table.search_column}"' for table in published.tables}


def _is_known(kind: str, token: str, known: set[str]) -> bool:
    if kind == "quoted":
        *qualifiers, name = _NAME.findall(token)
        is_ours = all(_OURS.fullmatch(part) for part in qualifiers)
        return token in known or (is_ours and (name in known or _OURS.fullmatch(name) is not None))
    if kind == "call":
        schema, _, name = token.partition(".")
        return name in {"galcat": CATALOGUE_FUNCTIONS, "pg_catalog": FUNCTIONS, "public": {"halfvec"}}.get(
            schema, ()
        )
    lists = {"operator": OPERATORS, "word": WORDS, "sign": _SIGNS}
    return token in lists[kind] if kind in lists else kind in {"placeholder", "number", "text", "star"}
