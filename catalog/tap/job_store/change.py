"""Other parameters and further tables for a job that has not begun."""

from collections.abc import Iterable, Mapping, Sequence

import psycopg

from catalog.adql.published import PublishedTable
from catalog.tap.faults import AskedWrongError, NothingThereError
from catalog.tap.job_store.job import Job
from catalog.tap.job_store.row import parameters_json, select_jobs, uploads_json

_LOCKED = "SELECT * FROM galcat_tap.job WHERE job_id = %s FOR UPDATE"
_CHANGE = """
    UPDATE galcat_tap.job
    SET parameters = parameters || %s, uploads = uploads || %s, run_id = coalesce(%s, run_id)
    WHERE job_id = %s
"""


def change_job(
    keeper: psycopg.Connection,
    job_id: str,
    parameters: Mapping[str, tuple[str, ...]],
    uploads: Sequence[PublishedTable],
    run_id: str | None,
    most_uploads: int,
) -> tuple[PublishedTable, ...]:
    """Give a pending job other parameters and further tables; a table takes the place of one of its name.

    Returns:
        The tables that no longer belong to the job.

    Raises:
        AskedWrongError: It is no longer pending, or would have too many tables.
        NothingThereError: There is no such job any more.
    """
    with keeper.transaction():
        job = _pending(select_jobs(keeper, _LOCKED, [job_id]), job_id)
        names = {table.name.lower() for table in uploads}
        check_number((*names, *(table.name for table in job.uploads)), most_uploads)
        keeper.execute(_CHANGE, [parameters_json(parameters), uploads_json(uploads), run_id, job_id])
    return tuple(table for table in job.uploads if table.name.lower() in names)


def check_number(names: Iterable[str], most_uploads: int) -> None:
    """See whether a job may have tables of these names; the same name counts once.

    Raises:
        AskedWrongError: They are too many.
    """
    number = len({name.lower() for name in names})
    if number > most_uploads:
        raise AskedWrongError(f"the job would have {number} tables: {most_uploads} may come with a query")


def _pending(found: list[Job], job_id: str) -> Job:
    if not found:
        raise NothingThereError(f"no job {job_id[:50]!r} any more")
    if found[0].phase != "PENDING":
        raise AskedWrongError(f"job {job_id} is {found[0].phase}: its parameters stay as they are")
    return found[0]
