"""Room for the results of jobs: there is so much of it for all, and no address may take all of that."""

import psycopg

from catalog.tap.limits import ServiceLimits

_BYTES = """
    SELECT coalesce(sum(result_bytes), 0)::bigint,
        coalesce(sum(result_bytes) FILTER (WHERE address = %s), 0)::bigint
    FROM galcat_tap.job
"""
_ALONE = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('galcat results', 0))"


def room_for(keeper: psycopg.Connection, address: str, limits: ServiceLimits) -> int:
    """Bytes that the next result of an address may have."""
    row = keeper.execute(_BYTES, [address]).fetchone()
    of_all, of_address = (int(row[0]), int(row[1])) if row else (0, 0)
    left = min(limits.spool_bytes - of_all, limits.spool_bytes_an_address - of_address)
    return max(0, min(limits.answer_bytes, left))


def record_alone(keeper: psycopg.Connection) -> None:
    """See to it that nobody else records a result until this transaction ends."""
    keeper.execute(_ALONE)
