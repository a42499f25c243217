"""Galaxies that look alike, with conditions: never fewer than brute force finds, exact where that is cheap.

A search goes one of three ways. Where the galaxies are held in memory, those that may be among the nearest
are found there, and the database decides which are: that is exact. Else, few galaxies fulfil the conditions:
they are gathered, and sorted by distance, which is exact too. Or many do: the vector index is walked until
enough are found; were they too few, all are sorted.
"""

import json
import math
import re
from dataclasses import dataclass, replace

import numpy as np
import psycopg
from psycopg import sql

from catalog.database.read_only import Parameters, read_transaction, select_within, set_for_now
from catalog.errors import QueryError
from catalog.search.first_records import keep_first_records, read_places
from catalog.search.memory.condition import All, Apart, Condition, Unknown, is_known
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.search.memory.held import Held
from catalog.search.request import Search, SearchResult, SqlCondition
from catalog.search.statements import (
    AMONG_THESE,
    BY_INDEX,
    EXPECTED_NUMBERS,
    FIND_VECTOR,
    GATHERED,
    SAMPLED,
    SORTED,
    write_statement,
)

MIN_BY_INDEX = 5_000
"""Galaxies that are gathered and sorted in any case."""
ROOM = 3
"""So many times more are gathered before the index is taken after all: an estimate may be wrong."""
SAMPLE = 1_000
"""Galaxies that a condition is tried on."""
LARGE_CONE = 0.1
"""Share of the catalogue from which the sky index helps no more."""
EF_SEARCH = 200
EF_SEARCH_UNDER_CONDITIONS = 400
MAX_EF_SEARCH = 1000
"""What pgvector allows."""
MAX_BY_INDEX = 500
"""Galaxies asked for, beyond which the index would miss too many."""
SPARE = 20
"""Galaxies that memory names beyond those asked for: some may have gone, or be as far as the last."""
MAX_BY_MEMORY = 20_000
"""Galaxies that memory names at most; were they too few, the other ways are gone."""
_ID_END = 2**63


@dataclass(frozen=True)
class _Plan:
    """A search made ready.

    Attributes:
        wanted: What is looked for.
        parameters: Values of the statements' placeholders.
        condition: What memory can tell of the conditions.
        held: The galaxies in memory; None where there are none of this moment.
    """

    wanted: Search
    parameters: Parameters
    condition: Condition
    held: Held | None


@dataclass(frozen=True)
class _Sizes:
    """How many galaxies there are, lie in the cone, and fulfil all conditions: guesses."""

    n: int
    total: float
    in_cone: float
    matching: float

    @property
    def by_index_from(self) -> float:
        """Galaxies from which the index, which touches n * total / matching rows, beats sorting them."""
        return max(MIN_BY_INDEX, math.sqrt(self.n * self.total))


def search(
    connection: psycopg.Connection, wanted: Search, memory: GalaxyMemory | None = None
) -> SearchResult:
    """Find the n galaxies most like some, among all that fulfil the conditions.

    Args:
        connection: Open connection to the catalogue, in autocommit mode; only read from.
        wanted: What is looked for.
        memory: The galaxies in memory, where there are such.

    Raises:
        QueryError: An object_id is unknown, a condition or column is wrong, a cone is nowhere on the sky.
    """
    if wanted.n < 1:
        raise QueryError(f"n is {wanted.n}: ask for one galaxy or more")
    if wanted.unlike and isinstance(wanted.like, np.ndarray):
        raise QueryError("unlike needs object_ids in like, not a vector")
    if unknown := next((one for one in wanted.known if not -_ID_END <= one < _ID_END), None):
        raise QueryError(f"no galaxy has object_id {unknown}")
    try:
        with read_transaction(connection):
            return search_within(connection, wanted, memory)
    except QueryError as error:
        if not isinstance(wanted.where, str) or not wanted.where:
            raise
        reason = re.sub(r" at character \d+", "", str(error))  # of our text, not of the user's
        raise QueryError(f"{reason} (with the condition: {' '.join(wanted.where.split())})") from error


def search_within(
    connection: psycopg.Connection, wanted: Search, memory: GalaxyMemory | None = None
) -> SearchResult:
    """The same inside a transaction of the caller's, with the caller's rights.

    It may change settings of pgvector until the transaction ends. What Postgres refuses is raised as it is.
    """
    plan = _plan(connection, wanted, memory)
    return _distinct(connection, plan) if wanted.distinct else _search(connection, plan)


def _plan(connection: psycopg.Connection, wanted: Search, memory: GalaxyMemory | None) -> _Plan:
    """Look the vector up, and what is held in memory."""
    is_vector = isinstance(wanted.like, np.ndarray)
    cone = wanted.cone or (None, None, None)
    parameters: Parameters = dict(zip(("ra", "dec", "radius"), cone, strict=True)) | {
        "vector": str(wanted.like.tolist()) if isinstance(wanted.like, np.ndarray) else None,
        "like": [] if is_vector else list(wanted.like),
        "unlike": list(wanted.unlike),
        "known": list(wanted.known),
        "n": wanted.n,
    }
    if isinstance(wanted.where, SqlCondition):
        parameters |= wanted.where.parameters
    parameters["wanted"] = select_within(connection, sql.SQL(FIND_VECTOR), parameters).rows[0][0]
    held = None if memory is None else memory.find_held(connection)
    return _Plan(wanted, parameters, Unknown() if held is None else _told(wanted), held)


def _told(wanted: Search) -> Condition:
    """What memory can tell of the conditions."""
    # Its parser takes a moment to import, and single commands need none of it.
    from catalog.search.memory.condition_reader import read_condition  # noqa: PLC0415

    parts: list[Condition] = [] if wanted.cone is None else [Apart(*wanted.cone, is_within=True)]
    if isinstance(wanted.where, SqlCondition):
        text = wanted.where.text.as_string(None)
        parts.append(read_condition(text, wanted.where.alias, wanted.where.parameters))
    elif wanted.where:
        parts.append(read_condition(wanted.where))
    return All(tuple(parts))


def _guess_sizes(connection: psycopg.Connection, plan: _Plan) -> _Sizes:
    """Guess how many galaxies fulfil the conditions."""
    row = select_within(connection, sql.SQL(EXPECTED_NUMBERS), plan.parameters).rows[0]
    # Before the first statistics nothing is known: then all is gathered, up to the usual number.
    total = float(str(row[0] or 0))
    in_cone = total if plan.wanted.cone is None else float(str(row[1] or 0))
    sizes = _Sizes(plan.wanted.n, total, in_cone, in_cone)
    if not plan.wanted.where or in_cone <= sizes.by_index_from:
        return sizes
    # Ids are hashes, so the lowest are a random sample.
    parameters = plan.parameters | {"sample_end": int(_ID_END * min(1.0, SAMPLE / total))}
    statement = write_statement(plan.wanted, SAMPLED, only_where=True)
    sampled, hits = select_within(connection, statement, parameters).rows[0]
    return replace(sizes, matching=in_cone * (int(str(hits)) + 1) / (int(str(sampled)) + 1))


def _search(connection: psycopg.Connection, plan: _Plan) -> SearchResult:
    if is_known(plan.condition) and (named := _by_memory(connection, plan)) is not None:
        return named
    sizes = _guess_sizes(connection, plan)
    has_conditions = bool(plan.wanted.where or plan.wanted.cone)
    if has_conditions and sizes.matching <= sizes.by_index_from * (1 if plan.wanted.exact else ROOM):
        max_gathered = int(ROOM * sizes.by_index_from)
        by_sky = sizes.in_cone <= LARGE_CONE * sizes.total
        gathered = select_within(
            connection,
            write_statement(plan.wanted, GATHERED, by_sky=by_sky),
            plan.parameters | {"max_gathered": max_gathered},
        )
        if int(str(gathered.rows[0][0])) <= max_gathered:
            rows = [row[1:] for row in gathered.rows if row[1] is not None]
            return SearchResult(gathered.columns[1:], rows, gathered.fields[1:], is_exact=True)
    if not is_known(plan.condition) and (named := _by_memory(connection, plan)) is not None:
        return named
    n = int(str(plan.parameters["n"]))
    is_small = not has_conditions and 0 < sizes.total <= sizes.by_index_from
    if not (plan.wanted.exact or is_small or n > MAX_BY_INDEX):
        _set_depth(connection, plan.wanted)
        found = select_within(connection, write_statement(plan.wanted, BY_INDEX), plan.parameters)
        if len(found) >= n:
            return SearchResult(found.columns, found.rows, found.fields)
    by_sky = sizes.in_cone <= LARGE_CONE * sizes.total
    found = select_within(connection, write_statement(plan.wanted, SORTED, by_sky=by_sky), plan.parameters)
    return SearchResult(found.columns, found.rows, found.fields, is_exact=True)


def _by_memory(connection: psycopg.Connection, plan: _Plan) -> SearchResult | None:
    """The nearest of those that memory names; None where it may have named too few."""
    if plan.held is None:
        return None
    n = int(str(plan.parameters["n"]))
    query = np.array(json.loads(str(plan.parameters["wanted"])), np.float32)
    named = n + len(plan.wanted.known) + SPARE
    while named <= MAX_BY_MEMORY:
        candidates = plan.held.find(plan.condition, query, named)
        parameters = plan.parameters | {"candidates": candidates.object_ids.tolist()}
        found = select_within(connection, write_statement(plan.wanted, AMONG_THESE), parameters)
        last = float(str(found.rows[-1][1])) if len(found) == n else math.inf
        if last < candidates.further_than or math.isinf(candidates.further_than):
            return SearchResult(found.columns, found.rows, found.fields, is_exact=True)
        named *= 10
    return None


def _set_depth(connection: psycopg.Connection, wanted: Search) -> None:
    depth = EF_SEARCH_UNDER_CONDITIONS if wanted.where or wanted.cone else EF_SEARCH
    settings = {
        "hnsw.ef_search": str(min(MAX_EF_SEARCH, max(depth, 4 * wanted.n))),
        # What comes late is not thrown away, and sorted in its place.
        "hnsw.iterative_scan": "relaxed_order",
    }
    set_for_now(connection, settings)


def _distinct(connection: psycopg.Connection, plan: _Plan) -> SearchResult:
    """Ask for more than n until n are left when every further record of a galaxy is taken out."""
    places = ("ra", "dec", "survey", "tile")
    own = read_places(connection, list(plan.wanted.known))
    n = plan.wanted.n
    columns = (*plan.wanted.columns, *places)
    while True:
        n = 2 * n + 10
        wider = replace(
            plan, wanted=replace(plan.wanted, columns=columns), parameters=plan.parameters | {"n": n}
        )
        found = _search(connection, wider)
        shown = keep_first_records(found.rows, own)[: plan.wanted.n]
        if len(shown) == plan.wanted.n or len(found) < n:
            width = -len(places)
            rows = [row[:width] for row in shown]
            return SearchResult(found.columns[:width], rows, found.fields[:width], is_exact=found.is_exact)
